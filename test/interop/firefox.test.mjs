// Firefox in a meeting with two people in Chromium, all with the unmodified amazon-chime-sdk-js.
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { after, before, test } from 'node:test'
import { ChimeSDKMeetingsClient, CreateAttendeeCommand, CreateMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { Network } from '../lib/network.mjs'
import { until } from '../lib/until.mjs'
import { servePage } from './page/serve.mjs'

const heard = -50 // dBFS: a tone in the mix is far above,
const silent = -65 // and one that is not in it far below (what is left is leakage of the other tones)

let carillon, chime, page, network, line, meeting, fox, ann, ben
const people = []

before(async () => {
  carillon = await Carillon.start()
  const key = carillon.createKey()
  chime = new ChimeSDKMeetingsClient({
    endpoint: carillon.url + '/chime', region: 'eu-central-1',
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
  })
  page = await servePage('amazon-chime-sdk-js')
  meeting = await chime.send(
    new CreateMeetingCommand({ ClientRequestToken: crypto.randomUUID(), MediaRegion: 'eu-central-1', ExternalMeetingId: 'firefox' }),
  )
  network = new Network()
})

after(async () => {
  for (const person of people) await person.close()
  await network?.close()
  page?.close()
  await carillon?.dispose()
})

// A step goes on where the one before it ended, so after a failure the others fail at once.
let failed

function step(name, run) {
  test(name, { timeout: 150_000 }, async (t) => {
    if (failed) throw new Error(`not run: "${failed}" failed before it`)
    try {
      await run(t)
    } catch (error) {
      failed = name
      for (const person of people) t.diagnostic(`${person.name}: ${person.console.slice(-15).join('\n')}`)
      t.diagnostic(carillon.log.slice(-3000))
      throw error
    }
  })
}

const call = (person, method, ...args) => person.page.evaluate(([m, a]) => window.call[m](...a), [method, args])
const log = (person) => person.page.evaluate(() => window.call.log)
const plain = (answer) => JSON.parse(JSON.stringify({ ...answer, $metadata: undefined }))
const videoOf = (other) => `video[data-attendee="${other.attendee}"][data-self="false"]`
// Firefox sends nothing to 127.0.0.1, nor does it like to hear that it has that address itself.
const ownAddress = () => Object.values(networkInterfaces()).flat().find((a) => a.family === 'IPv4' && !a.internal).address
const framesSeen = async (person) => (await person.sees()).reduce((n, s) => n + s.frames, 0)

async function open(name, tone, options) {
  const person = await Person.open(name, tone, options)
  people.push(person)
  return person
}

// enter opens the page and joins; the second time with the same attendee.
async function enter(person) {
  await person.page.goto(page.url)
  person.invitation ??= await chime.send(new CreateAttendeeCommand({ MeetingId: meeting.Meeting.MeetingId, ExternalUserId: person.name }))
  person.attendee = person.invitation.Attendee.AttendeeId
  await call(person, 'join', plain(meeting), plain(person.invitation), { topics: ['chat'] })
  await until(`${person.name} started`, 40_000, async () => (await log(person)).includes('started'))
}

async function sees(me, other) {
  await until(`${me.name} sees ${other.name} move`, 40_000, () => me.moving(videoOf(other)))
}

async function seesAndHears(me, others) {
  for (const other of others) {
    await until(`${me.name} has ${other.name} in the roster`, 20_000, async () => (await call(me, 'roster'))[other.attendee]?.present)
    await sees(me, other)
  }
  const before = await framesSeen(me)
  await until(`${me.name} decodes on`, 30_000, async () => (await framesSeen(me)) > before + 15 * others.length)
  await until(`${me.name} hears the others and not himself`, 40_000, async () => {
    const [own, ...rest] = await me.hears([me.tone, ...others.map((o) => o.tone)], 1500)
    if (rest.every((level) => level > heard) && own < silent) return true
    throw new Error(`levels: own ${own}, others ${rest}`)
  })
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
    const before = await framesSeen(me)
    await until(`${me.name} decodes on`, 60_000, async () => (await framesSeen(me)) > before + 120)
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
