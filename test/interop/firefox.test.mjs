// Firefox in a meeting with two people in Chromium, all with the unmodified amazon-chime-sdk-js.
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { after, before } from 'node:test'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { decodesOn, heard, hearsOthers, silent } from '../lib/media.mjs'
import { Meetings } from '../lib/meetings.mjs'
import { Network } from '../lib/network.mjs'
import { report } from '../lib/report.mjs'
import { call, join, log, started, videoOf } from '../lib/sdk-page.mjs'
import { steps } from '../lib/steps.mjs'
import { until } from '../lib/until.mjs'
import { servePage } from './page/serve.mjs'

let carillon, chime, page, network, line, meeting, fox, ann, ben
const people = []

before(async () => {
  carillon = await Carillon.start()
  chime = new Meetings(carillon)
  page = await servePage('amazon-chime-sdk-js')
  meeting = await chime.create('firefox')
  network = new Network()
})

after(async () => {
  for (const person of people) await person.close()
  await network?.close()
  page?.close()
  await carillon?.dispose()
})

const step = steps(150_000, (t) => report(t, people, carillon))

// Firefox sends nothing to 127.0.0.1, nor does it like to hear that it has that address itself.
const ownAddress = () => Object.values(networkInterfaces()).flat().find((a) => a.family === 'IPv4' && !a.internal).address

async function open(name, tone, options) {
  const person = await Person.open(name, tone, options)
  people.push(person)
  return person
}

// enter opens the page and joins; the second time with the same attendee.
async function enter(person) {
  await person.page.goto(page.url)
  person.invitation ??= await chime.invite(meeting, person.name)
  await join(person, meeting, person.invitation, { topics: ['chat'] })
  await started(person, 40_000)
}

async function sees(me, other) {
  await until(`${me.name} sees ${other.name} move`, 40_000, () => me.moving(videoOf(other)))
}

async function seesAndHears(me, others) {
  for (const other of others) {
    await until(`${me.name} has ${other.name} in the roster`, 20_000, async () => (await call(me, 'roster'))[other.attendee]?.present)
    await sees(me, other)
  }
  await decodesOn(me, 15 * others.length, 30_000)
  await hearsOthers(me, others, 40_000, 1500)
}

step('three people see and hear each other', async (t) => {
  fox = await open('fox', 3110, { firefox: true })
  t.diagnostic(`Firefox ${fox.browser.version()}`)
  const address = ownAddress()
  const portOf = (listener) => Number(listener.split(':').pop())
  line = await network.line('fox', { media: { host: address, port: portOf(carillon.media) }, http: { host: '127.0.0.1', port: portOf(carillon.http) }, seed: 7, address })
  await line.route(fox.context)
  ann = await open('ann', 450)
  ben = await open('ben', 1130)
  for (const person of [fox, ann, ben]) await enter(person)
  await seesAndHears(fox, [ann, ben])
  await seesAndHears(ann, [fox, ben])
  await seesAndHears(ben, [fox, ann])
})

step('mute silences Firefox', async () => {
  await call(fox, 'mute', true)
  await until('ann sees the mute', 10_000, async () => (await call(ann, 'roster'))[fox.attendee].muted === true)
  await until('ann hears silence', 20_000, async () => (await ann.hears([fox.tone], 1500))[0] < silent)
  await call(fox, 'mute', false)
  await until('ann hears fox again', 20_000, async () => (await ann.hears([fox.tone], 1500))[0] > heard)
})

step('data messages go both ways', async () => {
  for (const [from, to] of [[fox, ann], [ann, fox]]) {
    await call(from, 'say', 'chat', `from ${from.name}`, 60_000)
    const message = await until(`${to.name} gets the message`, 10_000, async () => (await log(to)).find((entry) => entry.text === `from ${from.name}`))
    assert.equal(message.sender, from.name)
  }
})

step('cameras go off and on again', async () => {
  for (const [off, viewer] of [[fox, ann], [ann, fox]]) {
    await call(off, 'camera', false)
    await until(`the tile of ${off.name} goes`, 20_000, async () => !(await call(viewer, 'tiles')).some((tile) => tile.attendee === off.attendee))
    await call(off, 'camera', true)
    await sees(viewer, off)
  }
  await seesAndHears(fox, [ann, ben])
})

step('video goes on over a line that loses packets', async (t) => {
  await line.shape({ up: { loss: 0.05, delay: 25 }, down: { loss: 0.05, delay: 25 } })
  for (const [me, other] of [[ann, fox], [fox, ann]]) {
    await decodesOn(me, 120, 60_000)
    await sees(me, other)
  }
  await line.shape({ up: { loss: 0, delay: 0 }, down: { loss: 0, delay: 0 } })
  t.diagnostic(JSON.stringify(await line.counters()))
})

step('Firefox leaves and comes back', async () => {
  await call(fox, 'leave')
  await until('ann sees fox leave', 20_000, async () => {
    const entry = (await call(ann, 'roster'))[fox.attendee]
    return entry.present === false && !entry.dropped
  })
  assert.equal((await log(fox)).includes('reconnecting'), false)
  await enter(fox)
  await seesAndHears(fox, [ann, ben])
  await seesAndHears(ann, [fox, ben])
})
