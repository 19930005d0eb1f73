// Measures a call from inside the page: a sample of getStats every 200 ms, in terms of attendees. Beside it the page
// has a small call with itself, without any network, to tell what the machine does from what the line does.

// meter runs in the page after probe and before its own scripts.
export function meter() {
  const period = 200 // ms
  let samples = []
  let run = 0 // of start; the loop of an earlier one ends

  const attendeeOf = (track) =>
    [...document.querySelectorAll('video[data-attendee]')].find((v) => v.srcObject?.getVideoTracks().some((t) => t.id === track))?.dataset.attendee

  const received = (r) => ({
    frames: r.framesDecoded, freezes: r.freezeCount, frozen: r.totalFreezesDuration, width: r.frameWidth, height: r.frameHeight,
    packets: r.packetsReceived, bytes: r.bytesReceived, lost: r.packetsLost, healed: r.retransmittedPacketsReceived ?? 0,
    nacks: r.nackCount, plis: r.pliCount, keyFrames: r.keyFramesDecoded,
  })
  const paced = (r) => ({ frames: r.framesDecoded, seconds: r.totalInterFrameDelay, squares: r.totalSquaredInterFrameDelay })
  const heard = (r) => ({
    packets: r.packetsReceived, lost: r.packetsLost, samples: r.totalSamplesReceived, concealed: r.concealedSamples,
    copies: r.packetsDiscarded, // for want of a counter of RED: what came once more is discarded
  })
  const sent = (r) => ({
    rid: r.rid, frames: r.framesEncoded, keyFrames: r.keyFramesEncoded, width: r.frameWidth, height: r.frameHeight, packets: r.packetsSent,
    bytes: r.bytesSent, resent: r.retransmittedPacketsSent, nacks: r.nackCount, plis: r.pliCount, firs: r.firCount,
  })

  // control is the receiving end of the call with itself: 30 small frames a second.
  let control
  async function startControl() {
    const Native = Object.getPrototypeOf(window.RTCPeerConnection) // not of the call: probe must not see it
    const from = new Native()
    control = new Native()
    from.onicecandidate = (e) => control.addIceCandidate(e.candidate)
    control.onicecandidate = (e) => from.addIceCandidate(e.candidate)
    const canvas = document.createElement('canvas')
    const ink = canvas.getContext('2d')
    let hue = 0
    setInterval(() => {
      ink.fillStyle = `hsl(${(hue += 7)}, 80%, 50%)`
      ink.fillRect(0, 0, canvas.width, canvas.height)
    }, 33)
    const screen = document.createElement('video')
    screen.muted = screen.autoplay = true
    control.ontrack = (e) => (screen.srcObject = new MediaStream([e.track]))
    from.addTrack(canvas.captureStream(30).getVideoTracks()[0])
    await from.setLocalDescription()
    await control.setRemoteDescription(from.localDescription)
    await control.setLocalDescription()
    await from.setRemoteDescription(control.localDescription)
  }

  async function sample() {
    const now = { at: (performance.timeOrigin + performance.now()) / 1000, video: {}, sent: [], state: [] }
    for (const connection of window.probe.live()) {
      now.state.push(connection.connectionState)
      const stats = await connection.getStats()
      for (const r of stats.values()) {
        if (r.type === 'inbound-rtp' && r.kind === 'video') now.video[attendeeOf(r.trackIdentifier)] = received(r)
        if (r.type === 'inbound-rtp' && r.kind === 'audio') now.audio = heard(r)
        if (r.type === 'media-source' && r.kind === 'video') now.captured = r.frames
        if (r.type === 'outbound-rtp' && r.kind === 'video') now.sent.push(sent(r))
      }
    }
    for (const r of control ? (await control.getStats()).values() : []) if (r.type === 'inbound-rtp') now.control = paced(r)
    return now
  }

  async function loop(mine) {
    if (mine !== run) return
    samples.push(await sample())
    setTimeout(loop, period, mine)
  }

  window.meter = {
    now: sample,
    async start() {
      if (!control) await startControl()
      while (!((await sample()).control?.frames > 30)) await new Promise((done) => setTimeout(done, period))
      samples = []
      return loop(++run)
    },
    // take returns the samples since the start, and goes on.
    take: () => samples,
    stop: () => void run++,
  }
}
