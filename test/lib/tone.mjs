// Microphone input of the tests: a WAV file with a tone of its own for each participant. The tone comes
// in bursts, because the noise suppression of a browser takes an endless one for noise.
import { writeFileSync } from 'node:fs'

const rate = 48_000

export function writeTone(path, hertz) {
  const seconds = 4
  const samples = new Int16Array(rate * seconds)
  for (let i = 0; i < samples.length; i++) {
    const t = i / rate
    const phase = (t % 0.5) / 0.35 // 350 ms on, 150 ms off
    const envelope = phase < 1 ? Math.sin(Math.PI * phase) ** 0.5 : 0
    samples[i] = 12_000 * envelope * Math.sin(2 * Math.PI * hertz * t)
  }
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20) // PCM
  header.writeUInt16LE(1, 22) // channels
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.byteLength, 40)
  writeFileSync(path, Buffer.concat([header, Buffer.from(samples.buffer)]))
}
