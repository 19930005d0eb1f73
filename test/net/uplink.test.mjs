// Somebody whose own line is bad for a while, in a call of two.
import { after, before, test } from 'node:test'
import { clear } from '../lib/shaper.mjs'
import { until } from '../lib/until.mjs'
import { Call, pause } from './call.mjs'

let call

before(async () => {
  call = await Call.open()
})

after(() => call?.close())

const framesOf = async (me, other) => (await me.meter('now')).video[other.attendee]?.frames ?? 0

// In a call of two the SDK sends one of three encodings. Chromium must be able to send that one over a narrow line, or it sends
// nothing but sound, and with that its estimate of the line can never rise again.
for (const toggled of [false, true]) {
  test(`a picture comes again over a line that was narrow${toggled ? ', from a camera that was switched on meanwhile' : ''}`, { timeout: 150_000 }, async (t) => {
    const [ann, ben] = await call.meet({ ann: { simulcast: true, codecs: ['VP8'] }, ben: { camera: false } })
    try {
      await ann.line.shape({ up: { ...clear, delay: 20, rate: 150_000 } })
      await pause(10_000)
      if (toggled) {
        await ann.camera(false)
        await pause(2000)
        await ann.camera(true)
        await pause(5000)
      }
      await ann.line.shape({ up: clear })
      const before = await framesOf(ben, ann)
      const wide = Date.now()
      await until('the picture goes on', 20_000, async () => {
        const now = await framesOf(ben, ann)
        if (now > before + 30) return true
        throw new Error(`${now - before} frames more`)
      })
      t.diagnostic(`after ${Date.now() - wide} ms`)
    } catch (error) {
      t.diagnostic(call.story())
      throw error
    } finally {
      for (const person of [ann, ben]) await person.leave()
    }
  })
}
