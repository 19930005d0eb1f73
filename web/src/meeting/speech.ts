/** How often the loudness is looked at (ms). */
const every = 100
/** Louder than this (dBFS) is more than the noise of a room. */
const threshold = -45
/** Somebody speaks when so many of the last samples were loud; a knock on the table is shorter. */
const windowSize = 10
const loudSamples = 4

/** Tells speech from a quiet room and from short noises, by loudness alone. Wants one sample every 100 ms. */
export class SpeechDetector {
  private readonly recent: boolean[] = []

  /** Takes the loudness of the last moment (dBFS) and says whether somebody speaks. */
  heard(decibels: number): boolean {
    this.recent.push(decibels > threshold)
    if (this.recent.length > windowSize) this.recent.shift()
    return this.recent.filter(Boolean).length >= loudSamples
  }
}

/**
 * Listens to a microphone on this computer only, muted or not, and calls onSpeech as long as somebody
 * speaks into it. Returns the function that ends it.
 */
export function listenForSpeech(microphone: MediaStream, onSpeech: () => void): () => void {
  // The original is silenced while the microphone is off; a copy is not.
  const copy = microphone.clone()
  for (const track of copy.getTracks()) track.enabled = true
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 2048
  context.createMediaStreamSource(copy).connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  const detector = new SpeechDetector()
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples)
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
    if (detector.heard(10 * Math.log10(power + 1e-9))) onSpeech()
  }, every)
  return () => {
    clearInterval(timer)
    for (const track of copy.getTracks()) track.stop()
    void context.close()
  }
}
