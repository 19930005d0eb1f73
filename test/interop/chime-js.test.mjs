// The unmodified amazon-chime-sdk-js, the current release and 2.31.0, with meetings made by the
// unmodified AWS SDK.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { decodesOn, heard, hearsOthers, silent } from '../lib/media.mjs'
import { Meetings } from '../lib/meetings.mjs'
import { report } from '../lib/report.mjs'
import { call, join, log, started, videoOf } from '../lib/sdk-page.mjs'
import { until } from '../lib/until.mjs'
import { servePage } from './page/serve.mjs'

const tones = { ann: 450, ben: 1130 }

let carillon, chime
const pages = {}
const people = []

before(async () => {
  carillon = await Carillon.start()
  chime = new Meetings(carillon)
  pages.current = await servePage('amazon-chime-sdk-js')
  pages.old = await servePage('amazon-chime-sdk-js-2')
})

after(async () => {
  for (const p of people) await p.close()
  for (const p of Object.values(pages)) p.close()
  await carillon?.dispose()
})

async function open(name, version) {
  const person = await Person.open(name, tones[name] ?? 2710)
  people.push(person)
  await visit(person, version)
  return person
}

async function visit(person, version) {
  await person.page.goto(pages[version].url)
  person.version = await person.page.evaluate(() => window.call.version)
}

async function close(...leaving) {
  for (const person of leaving) {
    people.splice(people.indexOf(person), 1)
    await person.close()
  }
}

const stoppedWith = (person, name) =>
  until(`${person.name} stopped with ${name}`, 20_000, async () => (await log(person)).includes('stopped') && (await call(person, 'status')) === name)
const present = (person, id) => until(`${person.name} sees ${id}`, 10_000, async () => (await call(person, 'roster'))[id]?.present)

const timeline = (meeting) =>
  carillon.command(['timeline', '--data', carillon.data, '--json', meeting.Meeting.MeetingId]).split('\n').filter(Boolean).map((line) => JSON.parse(line))
const reported = (meeting, name, attendee) =>
  until(`${name} is stored`, 15_000, () => timeline(meeting).find((event) => event.name === name && (!attendee || event.attendeeId === attendee)))

for (const [annVersion, benVersion] of [['current', 'current'], ['old', 'current'], ['old', 'old']]) {
  test(`two people: ${annVersion} and ${benVersion} SDK`, { timeout: 180_000 }, async (t) => {
    const meeting = await chime.create('interop')
    const ann = await open('ann', annVersion)
    const ben = await open('ben', benVersion)
    t.diagnostic(`versions ${ann.version} and ${ben.version}`)
    try {
      for (const person of [ann, ben]) await join(person, meeting, await chime.invite(meeting, person.name))
      for (const [me, other] of [[ann, ben], [ben, ann]]) {
        await started(me)
        await present(me, me.attendee)
        await present(me, other.attendee)
        assert.equal((await call(me, 'roster'))[other.attendee].external, other.name)
        await until(`${me.name} sees ${other.name} move`, 20_000, () => me.moving(videoOf(other)))
        await decodesOn(me, 15, 10_000)
        await hearsOthers(me, [other], 15_000)
        await until(`${me.name} is shown that ${other.name} talks`, 10_000, async () => (await call(me, 'roster'))[other.attendee].volume > 0.2)
      }

      const before = await ann.audioReceived()
      await call(ben, 'mute', true)
      await until('ann sees the mute', 5_000, async () => (await call(ann, 'roster'))[ben.attendee].muted === true)
      await until('ann hears silence', 10_000, async () => (await ann.hears([ben.tone], 1500))[0] < silent)
      const after = await ann.audioReceived()
      const rate = (1000 * (after.packets - before.packets)) / (after.at - before.at)
      assert.ok(rate > 45 && rate < 55, `${rate} audio packets each second while nobody talks`)
      await call(ben, 'mute', false)
      await until('ann hears ben again', 10_000, async () => (await ann.hears([ben.tone], 1500))[0] > heard)

      await call(ben, 'camera', false)
      await until('the tile of ben goes', 10_000, async () => !(await call(ann, 'tiles')).some((tile) => tile.attendee === ben.attendee))
      await call(ben, 'camera', true)
      await until('ann sees ben again', 20_000, () => ann.moving(videoOf(ben)))

      await call(ben, 'leave')
      await stoppedWith(ben, 'Left')
      await until('ann sees ben leave', 5_000, async () => {
        const entry = (await call(ann, 'roster'))[ben.attendee]
        return entry.present === false && !entry.dropped
      })
      assert.equal((await log(ann)).includes('poor'), false)
      assert.equal((await log(ann)).includes('reconnecting'), false)
    } catch (error) {
      report(t, [ann, ben], carillon)
      throw error
    } finally {
      await close(ann, ben)
    }
  })
}

for (const version of ['current', 'old']) {
  test(`music in stereo: ${version} SDK`, { timeout: 180_000 }, async (t) => {
    const meeting = await chime.create('interop')
    const ann = await open('ann', version)
    const ben = await open('ben', version)
    const cleo = await open('cleo', version)
    // Each of two tones is heard on its own side, and at most 20 dB below on the other one.
    const inStereo = (tones) => async () => {
      const left = await ben.hears(tones, 1500, 'left')
      const right = await ben.hears(tones, 1500, 'right')
      if (left[0] > heard && right[1] > heard && left[1] < left[0] - 20 && right[0] < right[1] - 20) return true
      throw new Error(`levels: left ${left}, right ${right}`)
    }
    const inMono = (tones) => async () => {
      const left = await cleo.hears(tones, 1500, 'left')
      const right = await cleo.hears(tones, 1500, 'right')
      if (Math.min(...left, ...right) > heard && Math.abs(left[0] - right[0]) <= 2 && Math.abs(left[1] - right[1]) <= 2) return true
      throw new Error(`levels: left ${left}, right ${right}`)
    }
    try {
      await join(ann, meeting, await chime.invite(meeting, 'ann'), { camera: false, stereo: [600, 1900] })
      await join(ben, meeting, await chime.invite(meeting, 'ben'), { camera: false, stereo: [1130, 1130] })
      await join(cleo, meeting, await chime.invite(meeting, 'cleo'), { camera: false })
      for (const person of [ann, ben, cleo]) await started(person)
      await call(ben, 'mute', true)
      await call(cleo, 'mute', true)
      await until('ben hears ann in stereo', 20_000, inStereo([600, 1900]))
      await until('cleo hears ann in mono', 20_000, inMono([600, 1900]))

      await call(ann, 'mute', true)
      await call(ann, 'share', [750, 2350])
      await until('ben hears the shared tab in stereo', 30_000, inStereo([750, 2350]))
      await until('cleo hears the shared tab in mono', 20_000, inMono([750, 2350]))
      assert.ok((await ann.hears([750, 2350]))[0] < silent, 'ann hears what she shares')
    } catch (error) {
      report(t, [ann, ben, cleo], carillon)
      throw error
    } finally {
      await close(ann, ben, cleo)
    }
  })
}

for (const version of ['current', 'old']) {
  test(`shared screen and data messages: ${version} SDK`, { timeout: 180_000 }, async (t) => {
    const meeting = await chime.create('interop')
    const ann = await open('ann', version)
    const ben = await open('ben', version)
    const heardFrom = async (person, text) => (await log(person)).filter((entry) => entry.text === text)
    try {
      for (const person of [ann, ben]) {
        await join(person, meeting, await chime.invite(meeting, person.name), { camera: false, topics: ['chat'] })
        await started(person)
      }
      await present(ann, ben.attendee)

      await call(ann, 'say', 'chat', 'hello', 60_000)
      const [message] = await until('ben gets the message', 5_000, async () => {
        const got = await heardFrom(ben, 'hello')
        return got.length > 0 && got
      })
      assert.equal(message.sender, 'ann')
      assert.equal(message.throttled, false)
      assert.ok(Math.abs(message.at - Date.now()) < 60_000)

      const screen = `${ann.attendee}#content`
      await call(ann, 'share', 3700)
      await until('ann is told that she shares', 15_000, async () => (await log(ann)).includes('sharing'))
      await present(ben, screen)
      await until('ben sees the screen move', 20_000, () => ben.moving(`video[data-attendee="${screen}"]`))
      await until('ben hears the tab', 15_000, async () => (await ben.hears([3700], 1500))[0] > heard)
      const [tab] = await ann.hears([3700], 1500)
      assert.ok(tab < silent, `ann hears her own tab at ${tab}`)
      await call(ann, 'stopSharing')
      await until('the screen goes', 10_000, async () => (await call(ben, 'roster'))[screen].present === false)

      const late = await open('late', version)
      try {
        await join(late, meeting, await chime.invite(meeting, 'late'), { camera: false, topics: ['chat'] })
        await until('the late one gets the message', 10_000, async () => (await heardFrom(late, 'hello')).length === 1)
      } finally {
        await close(late)
      }
      assert.equal((await heardFrom(ann, 'hello')).length, 0, 'no echo to the sender')
    } catch (error) {
      report(t, [ann, ben], carillon)
      throw error
    } finally {
      await close(ann, ben)
    }
  })

  test(`endings and refusals: ${version} SDK`, { timeout: 180_000 }, async (t) => {
    const person = await open('ann', version)
    const second = await open('second', version)
    try {
      const meeting = await chime.create('interop')
      const attendee = await chime.invite(meeting, 'ann')

      const forged = structuredClone(attendee)
      forged.Attendee.JoinToken = 'f'.repeat(96)
      await join(person, meeting, forged, { camera: false })
      await stoppedWith(person, 'SignalingBadRequest')

      await visit(person, version)
      await join(person, meeting, attendee, { camera: false })
      await started(person)
      await join(second, meeting, attendee, { camera: false })
      await started(second)
      await stoppedWith(person, 'AudioJoinedFromAnotherDevice')
      assert.equal((await log(second)).includes('stopped'), false)

      await chime.delete(meeting)
      await stoppedWith(second, 'MeetingEnded')

      await visit(person, version)
      await join(person, meeting, attendee, { camera: false })
      await stoppedWith(person, 'MeetingEnded')
    } catch (error) {
      report(t, [person, second], carillon)
      throw error
    } finally {
      await close(person, second)
    }
  })

  test(`client events: ${version} SDK`, { timeout: 180_000 }, async (t) => {
    const meeting = await chime.create('interop')
    const ann = await open('ann', version)
    const beacons = []
    ann.page.on('request', (request) => request.url().endsWith('/events?beacon=1') && beacons.push(request.postData()))
    try {
      await join(ann, meeting, await chime.invite(meeting, 'ann'))
      await started(ann)
      await reported(meeting, 'meetingStartSucceeded')
      await call(ann, 'leave')
      await stoppedWith(ann, 'Left')
      const ended = await reported(meeting, 'meetingEnded')
      assert.equal(ended.attendeeId, ann.attendee)
      assert.equal(ended.attributes.meetingStatus, 'Left')
      assert.equal(ended.client.sdkVersion, ann.version)
      assert.ok(Math.abs(Date.parse(ended.at) - Date.now()) < 60_000, ended.at)

      // What is not important is sent later, or as a beacon when the page goes. Playwright does not see the
      // beacons of a page that really goes.
      await visit(ann, version)
      await join(ann, meeting, await chime.invite(meeting, 'ann again'))
      await started(ann)
      await call(ann, 'camera', false)
      const before = beacons.length
      await ann.page.evaluate(() => window.dispatchEvent(new Event('pagehide')))
      await until('the page to send a beacon', 10_000, () => beacons.length > before)
      const names = JSON.parse(beacons.at(-1)).events.flatMap((event) => event.payloads.map((payload) => payload.name))
      assert.ok(names.length > 0)
      for (const name of names) await reported(meeting, name, ann.attendee)
    } catch (error) {
      t.diagnostic(`beacons: ${beacons}`)
      report(t, [ann], carillon)
      throw error
    } finally {
      await close(ann)
    }
  })
}
