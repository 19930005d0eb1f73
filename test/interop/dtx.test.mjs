// What muted clients send: the unmodified amazon-chime-sdk-js in real browsers, with redundant audio and without. The
// server asks them to leave out silence (DTX).
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { heard, silent } from '../lib/media.mjs'
import { Meetings } from '../lib/meetings.mjs'
import { report } from '../lib/report.mjs'
import { call, join, log, started } from '../lib/sdk-page.mjs'
import { until } from '../lib/until.mjs'
import { servePage } from './page/serve.mjs'

const mutedFor = 10_000

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

async function enter(meeting, name, tone, options) {
  const person = await Person.open(name, tone)
  await person.page.goto(page.url)
  await join(person, meeting, await chime.invite(meeting, name), { camera: false, ...options })
  await started(person)
  return person
}

// pace gives the audio packets that somebody sends each second, over a while.
async function pace(person, ms) {
  const [from, at] = [await person.audioPacketsSent(), performance.now()]
  await new Promise((done) => setTimeout(done, ms))
  return ((await person.audioPacketsSent()) - from) / ((performance.now() - at) / 1000)
}

for (const redundancy of [true, false]) {
  test(`muted, ${redundancy ? 'with' : 'without'} redundant audio`, { timeout: 120_000 }, async (t) => {
    const meeting = await chime.create('dtx')
    const people = []
    try {
      const ann = await enter(meeting, 'ann', 450, { redundancy })
      people.push(ann)
      const ben = await enter(meeting, 'ben', 1130, { redundancy })
      people.push(ben)
      const audible = (tone) => async () => (await ann.hears([tone], 300))[0] > heard
      await until('ann hears ben', 15_000, audible(ben.tone))

      await call(ben, 'mute', true)
      await until('ben sends little', 5000, async () => (await pace(ben, 1000)) < 10)
      const rate = await pace(ben, mutedFor)
      t.diagnostic(`a muted client sends ${rate.toFixed(1)} audio packets per second`)
      assert.ok(rate > 2 && rate < 10, `${rate} packets per second`)
      assert.ok((await ann.hears([ben.tone], 1500))[0] < silent, 'ann hears ben, who is muted')

      const unmuted = performance.now()
      await call(ben, 'mute', false)
      await until('ann hears ben again', 3000, audible(ben.tone), 20)
      t.diagnostic(`heard ${Math.round(performance.now() - unmuted)} ms after unmuting, of which 300 are for listening`)

      assert.equal((await call(ann, 'roster'))[ben.attendee].weakest ?? 1, 1, 'the signal of ben was shown as weak')
      // The SDK looks every second whether the microphone still sends anything, and complains after the second time.
      for (const person of people) {
        const entries = await log(person)
        for (const trouble of ['poor', 'reconnecting', 'stopped']) assert.equal(entries.includes(trouble), false, `${person.name}: ${trouble}`)
        const events = await person.page.evaluate(() => window.call.events)
        assert.ok(events.length > 0)
        assert.deepEqual(events.filter((name) => /Failed|Dropped|Reconnect/.test(name)), [], person.name)
        assert.deepEqual(person.console.filter((line) => /unhealthy|pageerror/i.test(line)), [], person.name)
      }
    } catch (error) {
      report(t, people, carillon)
      throw error
    } finally {
      for (const person of people) await person.close()
    }
  })
}
