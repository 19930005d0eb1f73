// recording runs in the page after the probe and gives it another way to hear. Firefox starts no AudioContext on a
// machine without a sound card, but it records there, and the samples of a recording can be looked at.
export function recording() {
  const rate = 48_000
  const size = 8192
  const blackman = Float64Array.from({ length: size }, (_, i) => 0.42 - 0.5 * Math.cos((2 * Math.PI * i) / size) + 0.08 * Math.cos((4 * Math.PI * i) / size))
  const weight = blackman.reduce((sum, w) => sum + w, 0)

  async function record(track, ms) {
    const recorder = new MediaRecorder(new MediaStream([track]), { mimeType: 'audio/ogg; codecs=opus' })
    const parts = []
    recorder.ondataavailable = ({ data }) => parts.push(data)
    const stopped = new Promise((done) => (recorder.onstop = done))
    recorder.start()
    await new Promise((done) => setTimeout(done, ms))
    recorder.stop()
    await stopped
    const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await new Blob(parts).arrayBuffer())
    return sound.getChannelData(0)
  }

  function level(samples, start, hertz) {
    let [re, im] = [0, 0]
    for (let i = 0; i < size; i++) {
      const phase = (2 * Math.PI * hertz * i) / rate
      re += blackman[i] * samples[start + i] * Math.cos(phase)
      im += blackman[i] * samples[start + i] * Math.sin(phase)
    }
    return 20 * Math.log10(Math.hypot(re, im) / weight + 1e-10)
  }

  // Only all channels together. As in the probe, the level of a frequency is the median over the time.
  window.probe.hears = async (frequencies, ms) => {
    const tracks = window.probe.tracks()
    const recordings = await Promise.all(tracks.map((track) => record(track, ms)))
    return frequencies.map((hertz) => {
      const medians = recordings.map((samples) => {
        const levels = []
        for (let start = 0; start + size <= samples.length; start += size / 2) levels.push(level(samples, start, hertz))
        return levels.sort((a, b) => a - b)[levels.length >> 1] ?? -200
      })
      return Math.round(Math.max(-200, ...medians))
    })
  }
}
