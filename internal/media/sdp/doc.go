// Package sdp reads the offers of clients and writes the answers of the server (RFC 8829, RFC 8866).
//
// Clients always offer and the server always answers: unified plan, everything in one BUNDLE group,
// ICE-lite, DTLS passive. ParseOffer turns the text into an Offer; NegotiateAudio,
// NegotiateVideoReceive and NegotiateVideoSend hold the policy for codecs, RTCP feedback and header
// extensions; Answer.String writes the text. The package does no I/O, keeps no state and starts no
// goroutines. Offers are hostile input: everything is bounded and failures carry errs.Invalid.
//
// Some of what answers look like is there because clients compare text: see Role and the policy.
package sdp
