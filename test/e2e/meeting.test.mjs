// The first thing anybody does with Carillon, in real browsers: sign up, create a meeting, talk.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { Guest } from '../lib/client.mjs'
import { decodesOn, heard, hearsOthers, silent } from '../lib/media.mjs'
import { reportGuests } from '../lib/report.mjs'
import { steps } from '../lib/steps.mjs'
import { until } from '../lib/until.mjs'

const tones = { ann: 450, ben: 1130, cid: 2710, dora: 5230 }

let carillon
const guests = {}

async function arrive(name) {
  guests[name] = new Guest(await Person.open(name, tones[name]), carillon.url)
  await guests[name].signUp()
  return guests[name]
}

before(async () => {
  carillon = await Carillon.start()
})

after(async () => {
  for (const guest of Object.values(guests)) await guest.person.close()
  await carillon?.dispose()
})

const step = steps(150_000, (t) => reportGuests(t, Object.values(guests), carillon))

async function eachHearsTheOthers(present) {
  for (const me of present) {
    await hearsOthers(me.person, present.filter((g) => g !== me).map((g) => g.person), 25_000)
  }
}

async function eachSeesTheOthers(present) {
  for (const me of present) {
    for (const other of present) if (other !== me) await me.seesMoving(other)
    const streams = (await me.person.sees()).filter((s) => s.frames > 0)
    assert.ok(streams.length >= present.length - 1, `${me.person.name} decodes ${streams.length} streams`)
    await decodesOn(me.person, 10 * (present.length - 1), 15_000)
  }
}

const title = 'Planning'

step('a meeting appears at once in the list of everybody', async () => {
  const ann = await arrive('ann')
  const ben = await arrive('ben')
  const id = await ann.createMeeting(title, 'What comes next')
  await ben.card(title).waitFor({ timeout: 5_000 })
  assert.equal(await ben.card(title).getAttribute('data-meeting-id'), id)
  assert.match(await ben.card(title).innerText(), /What comes next/)
  assert.equal(await ben.card(title).locator('[data-testid="delete"]').count(), 0, 'only the owner may delete')
  assert.equal(await ann.card(title).locator('[data-testid="delete"]').count(), 1)
})

step('two people see and hear each other', async () => {
  const { ann, ben } = guests
  await ann.join(title)
  await ben.join(title)
  await eachSeesTheOthers([ann, ben])
  await eachHearsTheOthers([ann, ben])
})

step('mute silences, and everybody sees it', async () => {
  const { ann, ben } = guests
  await ben.at('mic-toggle').click()
  await until('ann hears silence', 15_000, async () => (await ann.person.hears([ben.person.tone], 1500))[0] < silent)
  const packets = await ann.person.audioPackets()
  await until('audio goes on arriving', 5_000, async () => (await ann.person.audioPackets()) > packets + 50)
  await ben.at('mic-toggle').click()
  await until('ann hears ben again', 15_000, async () => (await ann.person.hears([ben.person.tone], 1500))[0] > heard)
})

step('a camera that is switched off goes away, and comes back', async () => {
  const { ann, ben } = guests
  await ben.at('camera-toggle').click()
  await until('no picture of ben', 15_000, async () => (await ann.page.locator(ann.videoOf(ben)).count()) === 0)
  await ben.at('camera-toggle').click()
  await ann.seesMoving(ben)
})

step('the third participant hears the others, and they hear him', async () => {
  const { ann, ben } = guests
  const cid = await arrive('cid')
  await cid.join(title)
  await eachSeesTheOthers([ann, ben, cid])
  await eachHearsTheOthers([ann, ben, cid])
})

step('after kill -9 everybody is back in the same conference within 15 s', async (t) => {
  const { ann, ben, cid } = guests
  const present = [ann, ben, cid]
  const before = present.map((g) => g.attendee)
  await carillon.end('SIGKILL')
  const restart = Date.now()
  await carillon.start()
  t.diagnostic(`ready again after ${Date.now() - restart} ms`)
  await Promise.all(
    present.map(async (me) => {
      const other = present.find((g) => g !== me)
      await until(`${me.person.name} sees a picture again`, 30_000, () => me.person.moving(me.videoOf(other), 500))
      await until(`${me.person.name} hears again`, 30_000, async () => (await me.person.hears([other.person.tone], 800))[0] > heard)
    }),
  )
  const took = Date.now() - restart
  t.diagnostic(`picture and sound after ${took} ms`)
  assert.ok(took < 15_000, `it took ${took} ms`)
  for (const [i, g] of present.entries()) {
    assert.equal(await g.page.locator('[data-testid="tile"][data-self="true"]').getAttribute('data-attendee-id'), before[i])
  }
})

step('leave, and come back by the same link', async () => {
  const { ann, cid } = guests
  const link = cid.page.url()
  await cid.at('leave').click()
  await cid.at('ended-reason').waitFor()
  assert.equal(await cid.at('ended-reason').getAttribute('data-reason'), 'left')
  await until('ann sees cid go', 10_000, async () => (await ann.page.locator(`[data-testid="tile"][data-attendee-id="${cid.attendee}"]`).count()) === 0)
  await cid.page.goto(link)
  await cid.enter()
  await eachSeesTheOthers([ann, cid])
})

step('somebody without permission cannot delete', async () => {
  const dora = await arrive('dora')
  const card = dora.card(title)
  await card.waitFor()
  assert.equal(await card.locator('[data-testid="delete"]').count(), 0)
  const answer = await dora.page.evaluate(async (id) => {
    const response = await fetch('/graphql', {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'mutation($id: ID!) { deleteMeeting(input: {id: $id}) { id } }', variables: { id } }),
    })
    return response.json()
  }, await card.getAttribute('data-meeting-id'))
  assert.equal(answer.errors[0].extensions.code, 'FORBIDDEN')
  await card.waitFor()
})

step('deleting disappears from every list and ends the call for everybody', async () => {
  const { ann, ben, cid, dora } = guests
  const owner = await ann.person.context.newPage()
  await owner.goto(carillon.url + '/')
  const card = owner.locator('[data-testid="meeting-card"]').filter({ hasText: title })
  await card.locator('[data-testid="delete"]').click()
  await owner.locator('[data-testid="delete-confirm"]').click()
  await dora.card(title).waitFor({ state: 'detached', timeout: 5_000 })
  for (const guest of [ann, ben, cid]) {
    await guest.at('ended-reason').waitFor({ timeout: 10_000 })
    assert.equal(await guest.at('ended-reason').getAttribute('data-reason'), 'ended')
  }
})
