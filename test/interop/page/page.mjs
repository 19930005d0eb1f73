// What an application built on the SDK does, as small as it can be. `chime-sdk` is replaced by the
// version under test when this is bundled.
import * as sdk from 'chime-sdk'

const log = []
let session
let status // of the last audioVideoDidStop
const roster = new Map() // attendee id → {present, external, dropped, muted, volume}

function watch(id) {
  session.audioVideo.realtimeSubscribeToVolumeIndicator(id, (_, volume, muted) => {
    const entry = roster.get(id)
    if (volume !== null) entry.volume = Math.max(entry.volume ?? 0, volume)
    if (muted !== null) entry.muted = muted
  })
}

window.call = {
  version: sdk.Versioning.sdkVersion,
  log,
  roster: () => Object.fromEntries(roster),
  status: () => (status === undefined ? undefined : sdk.MeetingSessionStatusCode[status]),
  tiles: () =>
    session.audioVideo.getAllVideoTiles().map((t) => {
      const s = t.state()
      return { tile: s.tileId, attendee: s.boundAttendeeId, local: s.localTile, active: s.active }
    }),

  async join(meeting, attendee, { camera = true, topics = [] } = {}) {
    const logger = new sdk.ConsoleLogger('sdk', sdk.LogLevel.WARN)
    const devices = new sdk.DefaultDeviceController(logger)
    session = new sdk.DefaultMeetingSession(new sdk.MeetingSessionConfiguration(meeting, attendee), logger, devices)
    const av = session.audioVideo
    // Before the start: what is replayed to late comers arrives right after they have joined.
    for (const topic of topics) listen(topic)
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
    const microphone = (await av.listAudioInputDevices())[0].deviceId
    await (av.startAudioInput ?? av.chooseAudioInputDevice).call(av, microphone)
    if (camera) {
      const device = (await av.listVideoInputDevices())[0].deviceId
      await (av.startVideoInput ?? av.chooseVideoInputDevice).call(av, device)
    }
    await av.bindAudioElement(document.querySelector('audio'))
    av.start()
    if (camera) av.startLocalVideoTile()
  },
  // A picture that moves and a tone, as a shared tab has them.
  async share(hertz) {
    const canvas = document.createElement('canvas')
    canvas.width = 1280
    canvas.height = 720
    const ink = canvas.getContext('2d')
    let n = 0
    setInterval(() => {
      ink.fillStyle = `hsl(${(n += 7)}, 80%, 50%)`
      ink.fillRect(0, 0, 1280, 720)
    }, 66)
    const context = new AudioContext()
    const tone = context.createOscillator()
    tone.frequency.value = hertz
    const out = context.createMediaStreamDestination()
    tone.connect(out)
    tone.start()
    session.audioVideo.addContentShareObserver({
      contentShareDidStart: () => log.push('sharing'),
      contentShareDidStop: () => log.push('not sharing'),
    })
    const stream = canvas.captureStream(15)
    for (const track of out.stream.getAudioTracks()) stream.addTrack(track)
    await session.audioVideo.startContentShare(stream)
  },
  stopSharing: () => session.audioVideo.stopContentShare(),
  say: (topic, text, lifetime) => session.audioVideo.realtimeSendDataMessage(topic, text, lifetime),
  camera: (on) => (on ? session.audioVideo.startLocalVideoTile() : session.audioVideo.stopLocalVideoTile()),
  mute: (on) => (on ? session.audioVideo.realtimeMuteLocalAudio() : session.audioVideo.realtimeUnmuteLocalAudio()),
  leave: () => session.audioVideo.stop(),
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
