// Packets are lost at random in both directions.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { audio, brief, quiet, sent, video } from '../lib/quality.mjs'
import { Call, observe, pause, take, widths } from '../net/call.mjs'
import { width } from '../lib/footage.mjs'

let call

before(async () => {
  call = await Call.open()
})

after(() => call?.close())

const lossy = (loss, roundTrip) => ({ up: { loss, delay: roundTrip / 2 }, down: { loss, delay: roundTrip / 2 } })
const settling = 3_000 // ms until the measurement begins
const seconds = 30
// A single freeze of a quarter of a second is nearly 1 % of half a minute, and they come by chance.
const long = 90

// ben's line is bad in both directions, so ann's picture comes over one that loses and ben's over the other.
test('5 % loss both ways, 50 ms: video hardly freezes, audio without RED is intelligible', { timeout: 420_000 }, async (t) => {
  const [ann, ben] = await call.meet({ ann: {}, ben: { redundancy: false } })
  try {
    await ben.line.shape(lossy(0.05, 50))
    await pause(settling)
    const { disturbed, samples: [atAnn, atBen] } = await observe([ann, ben], long)
    const down = video(atBen, ann.attendee, disturbed)
    const up = video(atAnn, ben.attendee, disturbed)
    const heard = audio(atBen, disturbed)
    t.diagnostic(`ben sees ann: ${brief(down)}`)
    t.diagnostic(`ann sees ben: ${brief(up)}`)
    t.diagnostic(`ben sends: ${brief(sent(atBen, undefined, disturbed))}`)
    t.diagnostic(`ben hears: ${brief(heard)}`)
    assert.ok(heard.lost > 0.03, `the line loses ${heard.lost}`)
    assert.ok(down.frozen < 0.02, `what is sent to ben is frozen ${down.frozen} of the time`)
    assert.ok(up.frozen < 0.02, `what ben sends is frozen ${up.frozen} of the time`)
    assert.equal(await ben.redundant(), false)
    assert.ok(heard.concealed < 0.08, `${heard.concealed} of the sound concealed`)
  } catch (error) {
    t.diagnostic(call.story())
    throw error
  }
})

test('5 % loss both ways, 50 ms: audio with RED hardly needs concealment', { timeout: 240_000 }, async (t) => {
  const [ann, ben] = await call.meet({ ann: { camera: false }, ben: { camera: false } })
  try {
    await ben.line.shape(lossy(0.05, 50))
    await pause(settling)
    const { disturbed, samples: [, atBen] } = await observe([ann, ben], seconds)
    const heard = audio(atBen, disturbed)
    t.diagnostic(`ben hears: ${brief(heard)}`)
    assert.ok(heard.lost > 0.03, `the line loses ${heard.lost}`)
    assert.equal(await ben.redundant(), true)
    assert.ok(heard.copies > 0.5, `packets come ${1 + heard.copies} times`)
    assert.ok(heard.concealed < 0.02, `${heard.concealed} of the sound concealed`)
  } catch (error) {
    t.diagnostic(call.story())
    throw error
  }
})

// There are three people because the SDK sends a single layer to one.
test('20 % loss both ways, 100 ms: the call stays up, with sound and a small picture', { timeout: 240_000 }, async (t) => {
  const receiver = { simulcast: true, camera: false }
  const [ann, ben] = await call.meet({ ann: { simulcast: true }, ben: receiver, cid: receiver })
  try {
    await ben.sees(ann, width)
    await ben.line.shape(lossy(0.2, 100))
    await pause(2 * settling)
    for (const person of [ann, ben]) await person.meter('start')
    await pause(seconds * 1000)
    const { disturbed, samples: [, atBen] } = await take([ann, ben])
    const seen = video(atBen, ann.attendee)
    const heard = audio(atBen)
    t.diagnostic(`ben sees ann: ${brief(seen)}; ${widths(atBen, ann.attendee)}; ${quiet(atBen, disturbed).toFixed(1)} s quiet`)
    t.diagnostic(`ben hears: ${brief(heard)}`)
    assert.deepEqual(await ben.log(), ['connecting', 'started'], 'the call stays up')
    assert.ok(heard.lost > 0.15, `the line loses ${heard.lost}`)
    assert.ok(heard.copies > 0.5, `packets come ${1 + heard.copies} times`)
    assert.ok(heard.concealed < 0.1, `${heard.concealed} of the sound concealed`)
    assert.ok(seen.longest < 1, `no new picture for ${seen.longest} s`)
    assert.ok(atBen.every((s) => s.video[ann.attendee]?.width <= width / 2), 'the low layer')
  } catch (error) {
    t.diagnostic(call.story())
    throw error
  }
})
