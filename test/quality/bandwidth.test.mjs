// The line of one of two receivers becomes narrow, or bad, and the other's stays as it is. The sender offers two layers.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { width } from '../lib/footage.mjs'
import { brief, halts, quiet, video } from '../lib/quality.mjs'
import { Call, pause, take, widths } from '../net/call.mjs'

let call

before(async () => {
  call = await Call.open()
})

after(() => call?.close())

const [wide, narrow, bad] = [3_000_000, 400_000, 300_000] // bit/s
const low = width / 2 // at most
const people = { ann: { simulcast: true }, ben: { simulcast: true, camera: false }, cid: { simulcast: true, camera: false } }
const now = () => Date.now() / 1000
const during = (samples, from, to = Infinity) => samples.filter((s) => s.at >= from && s.at < to)

// large tells of a sample whether the picture is that of the high layer, as far as the sender has sent it.
function large(attendee, atSender) {
  const halted = halts(atSender, 'hi')
  return (s) => s.video[attendee]?.width === width || halted.some(([from, to]) => s.at >= from && s.at <= to)
}

test('a downlink of 3 Mbit/s falls to 400 kbit/s and comes back: the picture follows', { timeout: 120_000 }, async (t) => {
  const everybody = await call.meet(people)
  const [ann, ben, cid] = everybody
  try {
    await ben.line.shape({ down: { rate: wide, delay: 20 }, up: { delay: 20 } })
    await Promise.all([ben.sees(ann, width), cid.sees(ann, width)])
    for (const person of everybody) await person.meter('start')
    await pause(3_000)
    const cut = now()
    await ben.line.shape({ down: { rate: narrow } })
    await pause(12_000)
    const back = now()
    await ben.line.shape({ down: { rate: wide } })
    await pause(13_000)
    const { disturbed, samples: [atAnn, atBen, atCid] } = await take(everybody)
    const seen = video(atBen, ann.attendee)
    t.diagnostic(`ben: ${brief(seen)}; ${JSON.stringify((await ben.line.counters()).down)}; ${quiet(atBen, disturbed).toFixed(1)} s quiet`)
    t.diagnostic(`ben, after the cut: ${widths(during(atBen, cut), ann.attendee, cut)}; wide again: ${(back - cut).toFixed(1)} s`)
    t.diagnostic(`cid: ${widths(atCid, ann.attendee)}; ann halts ${halts(atAnn, 'hi').length} times`)
    const size = (s) => s.video[ann.attendee]?.width
    assert.ok(during(atBen, cut + 3, back).every((s) => size(s) <= low), 'the low layer within 3 s, for as long as the line is narrow')
    assert.ok(seen.longest < 1, `no new picture for ${seen.longest} s`)
    assert.ok(during(atBen, back + 10).every(large(ann.attendee, atAnn)), 'the high layer within 10 s')
    assert.ok(atCid.every(large(ann.attendee, atAnn)), 'the other receiver keeps the high layer')
  } catch (error) {
    t.diagnostic(call.story())
    throw error
  }
})

test('one receiver on a bad line: the other keeps its layer', { timeout: 120_000 }, async (t) => {
  const everybody = await call.meet(people)
  const [ann, ben, cid] = everybody
  try {
    await Promise.all([ben.sees(ann, width), cid.sees(ann, width)])
    const line = { loss: 0.1, delay: 100, jitter: 50 }
    await ben.line.shape({ up: line, down: { ...line, rate: bad } })
    for (const person of everybody) await person.meter('start')
    await pause(15_000)
    const { disturbed, samples: [atAnn, atBen, atCid] } = await take(everybody)
    const seen = video(atCid, ann.attendee)
    t.diagnostic(`ben: ${widths(atBen, ann.attendee)}`)
    t.diagnostic(`cid: ${brief(seen)}; ${widths(atCid, ann.attendee)}; ann halts ${halts(atAnn, 'hi').length} times; ${quiet(atCid, disturbed).toFixed(1)} s quiet`)
    assert.ok(atBen.some((s) => s.video[ann.attendee]?.width !== width), 'the line is so bad that it costs the layer')
    assert.ok(atCid.every(large(ann.attendee, atAnn)), 'the other receiver keeps the high layer')
    assert.ok(seen.longest < 1, `no new picture for ${seen.longest} s`)
    assert.ok(seen.fps > 10, `${seen.fps} frames a second`)
  } catch (error) {
    t.diagnostic(call.story())
    throw error
  }
})
