// Camera input of the tests of bad networks: a picture with so much in it, and moving so, that an encoder needs the
// bitrate that it is given. The fake camera of the browser is content with a tenth.
import { closeSync, openSync, writeSync } from 'node:fs'
import { random } from './shaper.mjs'

// As the SDK asks for. From less, the browser makes no more than two of its three layers, of which the middle one is not sent.
export const [width, height, fps] = [960, 540, 15]

const [seconds, radius, grain] = [4, 24, 8] // of the circle that the camera moves on; of the noise

// writeFootage writes a YUV4MPEG2 file that can be played again and again without a jump.
export function writeFootage(path) {
  const [w, h] = [width + 2 * radius, height + 2 * radius]
  const chance = random(1)
  const scene = new Uint8Array(w * h)
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const waves = Math.sin(x / 7) + Math.sin(y / 11) + Math.sin((x + y) / 23) + Math.sin(Math.hypot(x - w / 2, y - h / 2) / 5)
      scene[y * w + x] = 128 + 22 * waves + grain * (chance() - 0.5)
    }
  }
  const luma = Buffer.alloc(width * height)
  const chroma = Buffer.alloc((width * height) / 2, 128)
  const file = openSync(path, 'w')
  writeSync(file, `YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420jpeg\n`)
  for (let frame = 0; frame < seconds * fps; frame++) {
    const angle = (2 * Math.PI * frame) / (seconds * fps)
    const left = Math.round(radius + radius * Math.cos(angle))
    const top = Math.round(radius + radius * Math.sin(angle))
    for (let y = 0; y < height; y++) luma.set(scene.subarray((top + y) * w + left, (top + y) * w + left + width), y * width)
    writeSync(file, 'FRAME\n')
    writeSync(file, luma)
    writeSync(file, chroma)
  }
  closeSync(file)
}
