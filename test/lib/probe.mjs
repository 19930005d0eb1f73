// probe runs in the page before its own scripts. It keeps every RTCPeerConnection the page makes and
// measures what arrives, from getStats and from the media itself.
export function probe() {
  const connections = []
  const Native = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args)
      connections.push(this)
    }
  }
  const live = () => connections.filter((c) => c.connectionState !== 'closed' && c.signalingState !== 'closed')
  const pause = (ms) => new Promise((done) => setTimeout(done, ms))
  const analysers = new Map() // by track: of all channels together, of the left one and of the right one
  let context

  function analyser(track, channel) {
    if (!analysers.has(track)) {
      context ??= new AudioContext({ sampleRate: 48_000 })
      const source = context.createMediaStreamSource(new MediaStream([track]))
      // Mono is on both channels.
      const stereo = new GainNode(context, { channelCount: 2, channelCountMode: 'explicit', channelInterpretation: 'speakers' })
      const channels = context.createChannelSplitter(2)
      source.connect(stereo).connect(channels)
      const nodes = { both: context.createAnalyser(), left: context.createAnalyser(), right: context.createAnalyser() }
      for (const node of Object.values(nodes)) {
        node.fftSize = 8192
        node.smoothingTimeConstant = 0
      }
      source.connect(nodes.both)
      channels.connect(nodes.left, 0)
      channels.connect(nodes.right, 1)
      analysers.set(track, nodes)
    }
    return analysers.get(track)[channel]
  }

  async function streams(type, kind) {
    const found = []
    for (const connection of live()) {
      const stats = await connection.getStats()
      for (const report of stats.values()) {
        if (report.type === type && report.kind === kind) found.push({ ...report, codec: stats.get(report.codecId)?.mimeType.split('/')[1] })
      }
    }
    return found
  }
  const sounds = () => live().flatMap((c) => c.getReceivers().map((r) => r.track)).filter((t) => t?.kind === 'audio' && t.readyState === 'live')
  const inbound = (kind) => streams('inbound-rtp', kind)

  window.probe = {
    live,
    connections: () => live().map((c) => c.connectionState),
    peers: live,
    tracks: sounds,

    // The level of a frequency is the median over the time: the tones are on for most of it, and the noise
    // of the codec between two loud tones comes and goes. channel is "left", "right" or "both".
    async hears(frequencies, ms, channel = 'both') {
      const nodes = sounds().map((track) => analyser(track, channel))
      await context?.resume()
      const levels = frequencies.map(() => [])
      const end = performance.now() + ms
      while (performance.now() < end) {
        const loudest = frequencies.map(() => -200)
        for (const node of nodes) {
          const bins = new Float32Array(node.frequencyBinCount)
          node.getFloatFrequencyData(bins)
          frequencies.forEach((f, i) => {
            const bin = Math.round((f * node.fftSize) / 48_000)
            loudest[i] = Math.max(loudest[i], bins[bin - 1], bins[bin], bins[bin + 1])
          })
        }
        loudest.forEach((level, i) => levels[i].push(level))
        await pause(40)
      }
      return levels.map((l) => Math.round(l.sort((a, b) => a - b)[l.length >> 1]))
    },

    async sees() {
      return (await inbound('video')).map((r) => ({
        ssrc: r.ssrc, frames: r.framesDecoded ?? 0, width: r.frameWidth, height: r.frameHeight, packets: r.packetsReceived, codec: r.codec,
      }))
    },

    async sends() {
      return (await streams('outbound-rtp', 'video')).map((r) => ({
        rid: r.rid, frames: r.framesEncoded ?? 0, width: r.frameWidth, height: r.frameHeight, codec: r.codec, layers: r.scalabilityMode,
      }))
    },

    // at (ms) is when the browser counted.
    async audioReceived() {
      const reports = await inbound('audio')
      return { packets: reports.reduce((n, r) => n + r.packetsReceived, 0), at: Math.max(...reports.map((r) => r.timestamp)) }
    },

    async audioPacketsSent() {
      return (await streams('outbound-rtp', 'audio')).reduce((n, r) => n + r.packetsSent, 0)
    },

    async moving(selector, ms) {
      const video = document.querySelector(selector)
      if (!video || !video.videoWidth) return false
      const canvas = new OffscreenCanvas(64, 64)
      const shot = () => {
        const ink = canvas.getContext('2d', { willReadFrequently: true })
        ink.drawImage(video, 0, 0, 64, 64)
        return ink.getImageData(0, 0, 64, 64).data
      }
      const first = shot()
      const end = performance.now() + ms
      while (performance.now() < end) {
        await pause(100)
        const next = shot()
        let difference = 0
        for (let i = 0; i < first.length; i++) difference += Math.abs(first[i] - next[i])
        if (difference > 64 * 64) return true
      }
      return false
    },
  }
}
