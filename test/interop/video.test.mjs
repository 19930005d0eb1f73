// Video of the unmodified amazon-chime-sdk-js at full strength: simulcast, scalable codecs, and codecs that
// change as people come and go.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { Meetings } from '../lib/meetings.mjs'
import { report } from '../lib/report.mjs'
import { call, join, started } from '../lib/sdk-page.mjs'
import { until } from '../lib/until.mjs'
import { servePage } from './page/serve.mjs'

let carillon, chime, page

before(async () => {
  carillon = await Carillon.start()
  chime = new Meetings(carillon)
  page = await servePage('amazon-chime-sdk-js')
})

after(async () => {
  page?.close()
  await carillon?.dispose()
})

// meet runs a test with a meeting; what it opens is closed behind it.
async function meet(t, run) {
  const meeting = await chime.create('video')
  const people = []
  const enter = async (name, options) => {
    const person = await Person.open(name, 450 + 680 * people.length)
    people.push(person)
    await person.page.goto(page.url)
    await join(person, meeting, await chime.invite(meeting, name), options)
    await started(person, 30_000)
    return person
  }
  try {
    await run(enter)
  } catch (error) {
    report(t, people, carillon)
    throw error
  } finally {
    for (const person of people) await person.close()
  }
}

// watched is the one video that a person receives.
async function watched(person) {
  const streams = (await person.sees()).filter((s) => s.frames > 0)
  return streams.length === 1 ? streams[0] : undefined
}

const decodes = (person, codec, width = () => true) =>
  until(`${person.name} decodes ${codec}`, 45_000, async () => {
    const first = await watched(person)
    await new Promise((done) => setTimeout(done, 500))
    const next = await watched(person)
    if (first && next && next.frames > first.frames && next.codec === codec && width(next.width)) return next
    throw new Error(JSON.stringify(await person.sees()))
  })

const sending = (person, what, accept) =>
  until(`${person.name} sends ${what}`, 45_000, async () => {
    const before = await person.sends()
    await new Promise((done) => setTimeout(done, 700))
    const grown = (await person.sends()).filter((s) => s.frames > (before.find((b) => b.rid === s.rid && b.codec === s.codec)?.frames ?? 0))
    if (accept(grown)) return grown
    throw new Error(JSON.stringify(await person.sends()))
  })

// encodings tells which encodings of the camera are active, as the page can set them.
const encodings = (person) =>
  person.page.evaluate(() => {
    const senders = window.probe.live().flatMap((c) => c.getSenders()).filter((s) => s.track?.kind === 'video')
    return Object.fromEntries(senders[0].getParameters().encodings.map((e) => [e.rid, e.active]))
  })

// longestPause watches a video while something is done, and gives the longest time (ms) without a new frame.
async function longestPause(person, during) {
  let done = false
  const work = during().finally(() => (done = true))
  let frames = 0
  let last = Date.now()
  let longest = 0
  while (!done) {
    const now = (await watched(person))?.frames ?? frames
    if (now > frames) {
      longest = Math.max(longest, Date.now() - last)
      frames = now
      last = Date.now()
    }
    await new Promise((next) => setTimeout(next, 50))
  }
  await work
  return Math.max(longest, Date.now() - last)
}

const tolerable = 2000 // ms without a new frame, on a machine that encodes and decodes for three

test('simulcast: three people, one moves between the encodings', { timeout: 300_000 }, (t) =>
  meet(t, async (enter) => {
    const ben = await enter('ben', { camera: false, size: 'high' })
    const cat = await enter('cat', { camera: false })
    const ann = await enter('ann', { simulcast: true, codecs: ['VP8'] })
    await sending(ann, 'two encodings', (s) => s.some((x) => x.rid === 'low') && s.some((x) => x.rid === 'hi'))
    const { width: large } = (await ann.sends()).find((s) => s.rid === 'hi')
    const isLarge = (w) => w > large / 2
    await decodes(ben, 'VP8', isLarge)
    await decodes(cat, 'VP8', isLarge)
    const { ssrc } = await watched(ben)
    const pause = await longestPause(ben, async () => {
      for (let i = 0; i < 2; i++) {
        await call(ben, 'receive', 'low')
        await decodes(ben, 'VP8', (w) => !isLarge(w))
        await decodes(cat, 'VP8', isLarge)
        await call(ben, 'receive', 'high')
        await decodes(ben, 'VP8', isLarge)
      }
    })
    t.diagnostic(`longest time without a new frame: ${pause} ms`)
    assert.ok(pause < tolerable, `the picture stood still for ${pause} ms`)
    assert.equal((await watched(ben)).ssrc, ssrc, 'the switch negotiated a new stream')
  }),
)

// The SDK sends one encoding to a single receiver, and pauses the others. It can use those again as long as the answers of the
// server keep all three, also while the camera is off.
test('simulcast begins when the third comes, though the camera was off before', { timeout: 300_000 }, (t) =>
  meet(t, async (enter) => {
    const ben = await enter('ben', { camera: false, size: 'high' })
    const ann = await enter('ann', { simulcast: true, codecs: ['VP8'] })
    await decodes(ben, 'VP8')
    await call(ann, 'camera', false)
    await until('ben is shown nothing', 20_000, async () => !(await watched(ben)))
    await call(ann, 'camera', true)
    await decodes(ben, 'VP8')
    const alone = await sending(ann, 'one encoding', (s) => s.length === 1)
    assert.deepEqual(await encodings(ann), { low: false, mid: true, hi: false })
    const cat = await enter('cat', { camera: false, size: 'low' })
    await sending(ann, 'the small and the large encoding', (s) => s.length === 2 && s.some((x) => x.rid === 'low') && s.some((x) => x.rid === 'hi'))
    assert.deepEqual(await encodings(ann), { low: true, mid: false, hi: true })
    await decodes(ben, 'VP8', (w) => w === alone[0].width)
    await decodes(cat, 'VP8', (w) => w <= alone[0].width / 2)
  }),
)

test('scalable VP9 camera and AV1 screen', { timeout: 300_000 }, (t) =>
  meet(t, async (enter) => {
    const ben = await enter('ben', { camera: false })
    const cat = await enter('cat', { camera: false })
    const ann = await enter('ann', { svc: true })
    await sending(ann, 'VP9 with layers', (s) => s.some((x) => x.codec === 'VP9' && x.layers === 'L3T3'))
    for (const viewer of [ben, cat]) await decodes(viewer, 'VP9')
    await call(ann, 'camera', false)
    await call(ann, 'share', 3700, { svc: true, codecs: ['AV1'] })
    await sending(ann, 'AV1 with layers', (s) => s.some((x) => x.codec === 'AV1' && x.layers === 'L1T3'))
    for (const viewer of [ben, cat]) {
      await until(`${viewer.name} decodes AV1`, 45_000, async () => {
        const screen = (await viewer.sees()).find((s) => s.codec === 'AV1')
        return screen?.frames > 10
      })
    }
  }),
)

test('simulcast screen', { timeout: 300_000 }, (t) =>
  meet(t, async (enter) => {
    const ben = await enter('ben', { camera: false, size: 'low' })
    const ann = await enter('ann', { camera: false })
    await call(ann, 'share', 3700, { simulcast: true, codecs: ['VP8'] })
    await sending(ann, 'two encodings', (s) => s.some((x) => x.rid === 'low') && s.some((x) => x.rid === 'hi'))
    const { width: large } = (await ann.sends()).find((s) => s.rid === 'hi')
    await decodes(ben, 'VP8', (w) => w <= large / 2)
    await call(ben, 'receive', 'high')
    await decodes(ben, 'VP8', (w) => w === large)
  }),
)

test('H.264', { timeout: 200_000 }, (t) =>
  meet(t, async (enter) => {
    const ben = await enter('ben', { camera: false })
    const ann = await enter('ann', { codecs: ['H264'] })
    await sending(ann, 'H264', (s) => s.some((x) => x.codec === 'H264'))
    await decodes(ben, 'H264')
  }),
)

test('the codec follows what everybody can decode', { timeout: 300_000 }, (t) =>
  meet(t, async (enter) => {
    const ben = await enter('ben', { camera: false })
    const ann = await enter('ann', { codecs: ['VP9', 'VP8'] })
    await decodes(ben, 'VP9')
    const dan = await enter('dan', { camera: false, without: ['VP9'] })
    await sending(ann, 'VP8', (s) => s.some((x) => x.codec === 'VP8'))
    await decodes(dan, 'VP8')
    await decodes(ben, 'VP8')
    await call(dan, 'leave')
    await sending(ann, 'VP9 again', (s) => s.some((x) => x.codec === 'VP9'))
    await decodes(ben, 'VP9')
  }),
)
