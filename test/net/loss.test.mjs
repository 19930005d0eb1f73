// Packets are lost at random in both directions.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { audio, brief, sent, video } from '../lib/quality.mjs'
import { Call, observe, pause } from './call.mjs'

let call

before(async () => {
  call = await Call.open()
})

after(() => call?.close())

const lossy = (loss, roundTrip) => ({ up: { loss, delay: roundTrip / 2 }, down: { loss, delay: roundTrip / 2 } })

// ben's line is bad in both directions, so ann's picture comes over one that loses and ben's over the other.
test('5 % loss both ways, 50 ms: video hardly freezes, audio without RED is intelligible', { timeout: 240_000 }, async (t) => {
  const [ann, ben] = await call.meet({ ann: {}, ben: { redundancy: false } })
  try {
    await ben.line.shape(lossy(0.05, 50))
    await pause(3_000)
    const { disturbed, samples: [atAnn, atBen] } = await observe([ann, ben], 20)
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
    assert.equal(heard.codec, 'audio/opus')
    assert.ok(heard.concealed < 0.08, `${heard.concealed} of the sound concealed`)
  } catch (error) {
    t.diagnostic(call.story())
    throw error
  }
})
