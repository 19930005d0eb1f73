// Package mixer mixes the audio of one conference: many Opus streams in, one Opus stream per listener
// out, each without what that listener said itself.
//
// A Room has Sources (streams that arrive) and Sinks (streams that leave). Reader goroutines Push RTP
// packets into their sources; one goroutine calls Step every 20 ms and gets exactly one frame for every
// sink. Step is a pure function of what was pushed: no clock, no goroutine, no I/O, and no allocation
// once everybody who talks has been heard.
//
// # Receiving
//
// Each source has a jitter queue (queue.go) that orders packets, starts with 40 ms of delay and lets
// the delay follow the network between that and 200 ms. Only sources that speak, by their RFC 6464
// level, are decoded (source.go); of the others packets are just counted off. Losses are filled from redundant
// copies (redundancy.go), repaired by in-band FEC (RFC 6716 section 2.1.7) or concealed.
//
// Clients are asked to leave out what is silent (DTX). Such a pause is no loss: sequence numbers go on, timestamps jump
// (pause.go). In it the queue's time goes on, so that speech after it comes as soon as before, and the delay changes where
// nobody hears it. A talker's pause is what its decoder makes of missing packets, until it no longer counts as talking;
// noise that is sent to describe the silence does not make it talk again.
//
// # Mixing
//
// The six loudest of those who talk now hold a talker number (talkers.go); nobody else is decoded. Who holds one
// gives it up only to somebody clearly louder. What a sink hears is determined by the set
// of current talkers that it excludes, for most sinks the empty set, and all sinks with the same set
// share one mix and its encoder (mix.go). So a step costs about one encode for all who are silent plus one for
// each talker, and that for each format and coding that somebody listens in; mixes of a single talker mostly cost none,
// and some content has two encoders for a while (see Passing on).
//
// A sink moves from one mix to another when its talker starts or stops. Opus predicts from frame to
// frame, so the sink's decoder must not notice the change of encoder. A mix that is new therefore starts
// as a copy of the encoder state of the mix its first listener heard in the frame before: to the decoder
// the stream just goes on. The way back to an existing mix happens only after the talker has been silent
// for the whole hangover; the two mixes have then had the same content for half a second. Their encoders may predict
// differently all the same, so the next packet of that mix is one that decoders can begin with.
//
// # Coding
//
// Opus has a coder for speech and one for any sound, which takes a third of the CPU. At the usual bitrate speech, too,
// sounds better with the second one, so that is what mixes are made with. Only the first one has forward error
// correction: those whose line loses packets (Sink.SetLossy) get mixes of their own that are made with it (coding.go).
// An encoder goes from one to the other without a break. A sink that goes to another mix which is coded in the other way
// does so in a pause if there is one, and the next packet there is one that its decoder can begin with.
//
// # Stereo
//
// A sink has a Format: mono or stereo, and one of a few bitrates. Decoded audio is kept as mid and side (audio.go). All that
// the mono mix needs is the mid, so a room without stereo does nothing for it. A mono listener hears the mean of both
// channels: what is on one side only is 6 dB quieter for it, as with every browser that plays stereo on one loudspeaker.
// A source is decoded in stereo when its packets say that they are. When that begins while it talks, the new decoder is
// first given the packets before, as when decoding begins after silence. Levels are of both channels.
//
// # Passing on
//
// A mix that would be of exactly one talker is replaced by that talker's own packets (pass.go): nothing is encoded, and
// the sound is not made worse by a second encoding. This is decided for each listener: of two who talk over each other,
// each gets the other one's packets, and only a third needs an encoder. It goes on while nobody talks. The mix takes
// over in any frame in which somebody else begins to talk or a packet is missing; for what the talker leaves out in a
// pause, packets in which nothing is coded stand in.
//
// What is passed on has not the delay of our encoder, so the mix that takes over has that talker ahead of others by as
// much, until the next pause; listeners who have heard the mix before go on hearing it as it was. Who is ahead is part
// of what tells mixes apart (key).
//
// Talkers are decoded even if everybody who hears them gets their packets. A decoder that begins again needs a dozen
// packets of speech before it is right, and longer with a steady tone, and the mix may be wanted in any step.
//
// Packets are not passed on where that would cost quality: without a pause of the talker to begin in, such as with
// music; over lines that lose packets, be it the talker's, because only the mix can fill gaps, or the listener's, because
// only the mix is sure to have forward error correction; and when they are not 20 ms long. Packets of
// stereo are passed on only to those who have asked for stereo at the best bitrate, which is what talkers may send at
// most. The others get mixes.
//
// # Goroutines and locks
//
// Adding and removing copies the member lists under Room.mu and swaps a pointer; Step loads the pointer
// and takes no room lock. Push takes only its own source's queue lock, which Step holds for no longer
// than it takes to copy one packet. The functions passed to Step may call any method of the package
// except Step.
package mixer
