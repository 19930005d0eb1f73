// What an application built on the SDK does, as small as it can be. `chime-sdk` is replaced by the
// version under test when this is bundled.
import * as sdk from 'chime-sdk'

const log = []
const events = [] // of the SDK's eventController, by name
let session
let status // of the last audioVideoDidStop
let policy // set by join with a size
const roster = new Map() // attendee id → {present, external, dropped, muted, volume, weakest}

function watch(id) {
  session.audioVideo.realtimeSubscribeToVolumeIndicator(id, (_, volume, muted, signal) => {
    const entry = roster.get(id)
    if (volume !== null) entry.volume = Math.max(entry.volume ?? 0, volume)
    if (muted !== null) entry.muted = muted
    if (signal !== null) entry.weakest = Math.min(entry.weakest ?? 1, signal)
  })
}

window.call = {
  version: sdk.Versioning.sdkVersion,
  log,
  events,
  roster: () => Object.fromEntries(roster),
  status: () => (status === undefined ? undefined : sdk.MeetingSessionStatusCode[status]),
  tiles: () =>
    session.audioVideo.getAllVideoTiles().map((t) => {
      const s = t.state()
      return { tile: s.tileId, attendee: s.boundAttendeeId, local: s.localTile, active: s.active, stalled: s.poorConnection }
    }),

  // simulcast and svc are settings of the SDK; codecs are the names to send with, best first; size is what
  // to receive of each camera, "low" or "high"; without are codecs that this browser shall not know;
  // redundancy is redundant audio (RED); stereo is the profile for music, and its microphone hears the two tones that
  // are given in Hz, one on each side.
  async join(meeting, attendee, { camera = true, topics = [], simulcast = false, svc = false, codecs, size, without = [], redundancy = true, stereo } = {}) {
    if (without.length > 0) forget(without)
    const logger = new sdk.ConsoleLogger('sdk', sdk.LogLevel.WARN)
    const devices = new sdk.DefaultDeviceController(logger)
    const configuration = new sdk.MeetingSessionConfiguration(meeting, attendee)
    configuration.enableSimulcastForUnifiedPlanChromiumBasedBrowsers = simulcast
    if (svc) configuration.enableSVC = true
    if (size) configuration.videoDownlinkBandwidthPolicy = policy = sizePolicy(configuration.credentials.attendeeId, size)
    session = new sdk.DefaultMeetingSession(configuration, logger, devices)
    const av = session.audioVideo
    if (codecs) av.setVideoCodecSendPreferences(codecs.map(capability))
    // Before the start: what is replayed to late comers arrives right after they have joined.
    for (const topic of topics) listen(topic)
    if (stereo) av.setAudioProfile(sdk.AudioProfile.fullbandMusicStereo(redundancy))
    else if (!redundancy) av.setAudioProfile(new sdk.AudioProfile(null, false))
    session.eventController?.addObserver({ eventDidReceive: (event) => events.push(event) })
    av.addObserver({
      audioVideoDidStart: () => log.push('started'),
      audioVideoDidStartConnecting: (again) => log.push(again ? 'reconnecting' : 'connecting'),
      audioVideoDidStop: (s) => {
        status = s.statusCode()
        log.push('stopped')
      },
      connectionDidBecomePoor: () => log.push('poor'),
      videoTileDidUpdate: (t) => {
        if (t.boundAttendeeId) av.bindVideoElement(t.tileId, element(t))
      },
      videoTileWasRemoved: (id) => document.querySelector(`video[data-tile="${id}"]`)?.remove(),
    })
    av.realtimeSubscribeToAttendeeIdPresence((id, present, external, dropped) => {
      const fresh = !roster.has(id)
      roster.set(id, { ...roster.get(id), present, external, dropped })
      if (fresh) watch(id)
    })
    const microphone = stereo ? tones(stereo) : (await av.listAudioInputDevices())[0].deviceId
    await (av.startAudioInput ?? av.chooseAudioInputDevice).call(av, microphone)
    if (camera) {
      const device = (await av.listVideoInputDevices())[0].deviceId
      await (av.startVideoInput ?? av.chooseVideoInputDevice).call(av, device)
    }
    await av.bindAudioElement(document.querySelector('audio'))
    av.start()
    if (camera) av.startLocalVideoTile()
  },
  // A picture that moves and a tone, as a shared tab has them; two tones are stereo, one on each side.
  async share(hertz, { simulcast = false, svc = false, codecs } = {}) {
    if (simulcast) session.audioVideo.enableSimulcastForContentShare(true)
    if (svc) session.audioVideo.enableSVCForContentShare(true)
    if (codecs) session.audioVideo.setContentShareVideoCodecPreferences(codecs.map(capability))
    const canvas = document.createElement('canvas')
    canvas.width = 1280
    canvas.height = 720
    const ink = canvas.getContext('2d')
    let n = 0
    setInterval(() => {
      ink.fillStyle = `hsl(${(n += 7)}, 80%, 50%)`
      ink.fillRect(0, 0, 1280, 720)
    }, 66)
    if (Array.isArray(hertz)) session.audioVideo.setContentAudioProfile(sdk.AudioProfile.fullbandMusicStereo())
    const sound = tones([hertz].flat())
    session.audioVideo.addContentShareObserver({
      contentShareDidStart: () => log.push('sharing'),
      contentShareDidStop: () => log.push('not sharing'),
    })
    const stream = canvas.captureStream(15)
    for (const track of sound.getAudioTracks()) stream.addTrack(track)
    await session.audioVideo.startContentShare(stream)
  },
  receive: (size) => policy.choose(size),
  stopSharing: () => session.audioVideo.stopContentShare(),
  say: (topic, text, lifetime) => session.audioVideo.realtimeSendDataMessage(topic, text, lifetime),
  camera: (on) => (on ? session.audioVideo.startLocalVideoTile() : session.audioVideo.stopLocalVideoTile()),
  mute: (on) => (on ? session.audioVideo.realtimeMuteLocalAudio() : session.audioVideo.realtimeUnmuteLocalAudio()),
  leave: () => session.audioVideo.stop(),
}

// tones is a sound with one tone, or with one on each side.
function tones(hertz) {
  const context = new AudioContext()
  const out = context.createMediaStreamDestination()
  const sides = context.createChannelMerger(hertz.length)
  hertz.forEach((frequency, side) => {
    const tone = new OscillatorNode(context, { frequency })
    const volume = new GainNode(context, { gain: 0.4 })
    tone.connect(volume).connect(sides, 0, side)
    tone.start()
  })
  sides.connect(out)
  return out.stream
}

function listen(topic) {
  session.audioVideo.realtimeSubscribeToReceiveDataMessage(topic, (m) =>
    log.push({ topic, text: m.text(), sender: m.senderExternalUserId, throttled: m.throttled, at: m.timestampMs }),
  )
}

function element({ tileId, boundAttendeeId, localTile }) {
  let video = document.querySelector(`video[data-tile="${tileId}"]`)
  if (!video) {
    video = document.createElement('video')
    video.muted = video.autoplay = video.playsInline = true
    video.dataset.tile = tileId
    document.body.append(video)
  }
  video.dataset.attendee = boundAttendeeId
  video.dataset.self = String(localTile)
  return video
}

function capability(name) {
  switch (name) {
    case 'AV1':
      return sdk.VideoCodecCapability.av1Main()
    case 'VP9':
      return sdk.VideoCodecCapability.vp9Profile0()
    case 'H264':
      return sdk.VideoCodecCapability.h264ConstrainedBaselineProfile()
    default:
      return sdk.VideoCodecCapability.vp8()
  }
}

// A policy as applications write them: the largest or the smallest encoding of every camera. Within a
// camera that is a switch without negotiation.
function sizePolicy(self, size) {
  class SizePolicy extends sdk.AllHighestVideoBandwidthPolicy {
    setWantsResubscribeObserver(ask) {
      this.ask = ask
    }
    choose(chosen) {
      size = chosen
      this.updateIndex(this.videoIndex)
      this.ask?.()
    }
    calculateOptimalReceiveSet(index) {
      if (size === 'high' || !index) return super.calculateOptimalReceiveSet(index)
      const smallest = new Map()
      for (const stream of index.remoteStreamDescriptions()) {
        const best = smallest.get(stream.groupId)
        if (!best || stream.maxBitrateKbps < best.maxBitrateKbps) smallest.set(stream.groupId, stream)
      }
      return new sdk.DefaultVideoStreamIdSet([...smallest.values()].map((stream) => stream.streamId))
    }
  }
  return new SizePolicy(self)
}

// forget makes the browser one that neither sends nor receives these codecs.
function forget(names) {
  const native = RTCPeerConnection.prototype.addTransceiver
  RTCPeerConnection.prototype.addTransceiver = function (...args) {
    const transceiver = native.apply(this, args)
    if (transceiver.receiver.track.kind === 'video') {
      const known = RTCRtpReceiver.getCapabilities('video').codecs
      transceiver.setCodecPreferences(known.filter((c) => !names.includes(c.mimeType.split('/')[1])))
    }
    return transceiver
  }
}
