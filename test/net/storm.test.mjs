// Receivers that ask for key frames without end.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { brief, sent, video } from '../lib/quality.mjs'
import { Call, pause, take } from './call.mjs'

let call

before(async () => {
  call = await Call.open()
})

after(() => call?.close())

// storm asks for a key frame of every received video, each 20 ms.
function storm() {
  const script = `onrtctransform = ({ transformer }) => {
    transformer.readable.pipeTo(transformer.writable)
    setInterval(() => transformer.sendKeyFrameRequest(), 20)
  }`
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })))
  for (const connection of window.probe.live()) {
    for (const receiver of connection.getReceivers()) if (receiver.track.kind === 'video') receiver.transform = new RTCRtpScriptTransform(worker)
  }
}

test('of a storm of requests for key frames at most two a second reach a sender', { timeout: 120_000 }, async (t) => {
  const [ann, ben, cid] = await call.meet({ ann: {}, ben: { camera: false }, cid: { camera: false } })
  try {
    for (const person of [ben, cid]) await person.page.evaluate(storm)
    for (const person of [ann, ben, cid]) await person.meter('start')
    await pause(10_000)
    const { samples: [atAnn, atBen, atCid] } = await take([ann, ben, cid])
    const [out, asked] = [sent(atAnn), [atBen, atCid].map((samples) => video(samples, ann.attendee).plis)]
    t.diagnostic(`asked ${asked}; ann: ${brief(out)}`)
    assert.ok(Math.min(...asked) > 100, `a storm is more than ${asked} requests`)
    const allowed = Math.ceil(out.seconds / 0.5) + 1
    assert.ok(out.requests <= allowed, `${out.requests} requests in ${out.seconds} s`)
    // Encoders make key frames of their own accord too, so only their least number says something of the requests.
    assert.ok(out.keyFrames >= out.seconds / 2, `${out.keyFrames} key frames in ${out.seconds} s`)
  } catch (error) {
    t.diagnostic(call.story())
    throw error
  }
})
