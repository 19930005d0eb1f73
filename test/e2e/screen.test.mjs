// Sharing a screen, in real browsers: a tab with moving pictures and a tone, seen and heard by the others.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { Person } from '../lib/browser.mjs'
import { Carillon } from '../lib/carillon.mjs'
import { Guest } from '../lib/client.mjs'
import { heard, silent } from '../lib/media.mjs'
import { reportGuests } from '../lib/report.mjs'
import { openSlides } from '../lib/slides.mjs'
import { steps } from '../lib/steps.mjs'
import { until } from '../lib/until.mjs'

const slides = { title: 'Slides', tone: 3400 }
const title = 'Show and tell'

let carillon
const guests = {}

/** A guest with something to share who is in the meeting, camera off: this is about screens. */
async function arrive(name, tone) {
  const guest = new Guest(await Person.open(name, tone, { shares: slides.title }), carillon.url)
  guests[name] = guest
  await guest.signUp()
  return guest
}

async function enter(guest) {
  await guest.card(title).locator('[data-testid="join"]').click()
  if ((await guest.at('preview-camera').getAttribute('aria-pressed')) === 'true') await guest.at('preview-camera').click()
  await guest.enter()
  await until(`${guest.person.name} is in`, 15_000, async () => (await guest.at('stage').getAttribute('data-phase')) === 'connected')
}

const screenOf = (guest) => `[data-testid="tile"][data-attendee-id="${guest.attendee}#content"]`

async function seesScreen(me, of, deadline = 20_000) {
  await until(`${me.person.name} sees the screen of ${of.person.name}`, deadline, () => me.person.moving(`${screenOf(of)} video`, 1500))
}

async function share(guest) {
  await guest.at('share-toggle').click()
  await until(`${guest.person.name} shares`, 20_000, async () => (await guest.at('sharing').getAttribute('data-starting')) === 'false')
}

const noScreen = (me, of) => me.page.locator(screenOf(of)).waitFor({ state: 'detached', timeout: 10_000 })

before(async () => {
  carillon = await Carillon.start()
})

after(async () => {
  for (const guest of Object.values(guests)) await guest.person.close()
  await carillon?.dispose()
})

const step = steps(80_000, (t) => reportGuests(t, Object.values(guests), carillon))

step('a shared tab is seen large and heard by the other', async () => {
  const [ann, ben] = await Promise.all([arrive('ann', 450), arrive('ben', 1130)])
  await ann.createMeeting(title, '')
  await ben.card(title).waitFor()
  await enter(ann)
  await enter(ben)
  ann.slides = await openSlides(ann.person, slides.title, slides.tone)
  await share(ann)
  await seesScreen(ben, ann)
  assert.equal(await ben.at('layout').getAttribute('data-layout'), 'focus')
  const [screen, face] = await Promise.all([ben.page.locator(screenOf(ann)).boundingBox(), ben.page.locator('[data-testid="tile"][data-self="true"]').boundingBox()])
  assert.ok(screen.width > 800 && screen.width > 3 * face.width, `screen ${screen.width}, face ${face.width}`)
  await until('ben hears the tab', 15_000, async () => (await ben.person.hears([slides.tone], 1000))[0] > heard)
  await until('ben is told who shares', 5_000, async () => /ann/.test(await ben.page.locator(screenOf(ann)).getAttribute('aria-label')))
})

step('who shares sees a note and not the own screen', async () => {
  const { ann } = guests
  await ann.at('sharing').waitFor()
  assert.equal(await ann.at('share-toggle').getAttribute('aria-pressed'), 'true')
  assert.equal(await ann.page.locator(screenOf(ann)).count(), 0)
  assert.equal(await ann.at('layout').getAttribute('data-layout'), 'grid')
  // Nothing comes back: neither the picture nor the sound.
  assert.deepEqual((await ann.person.sees()).filter((stream) => stream.frames > 0), [])
  const [own] = await ann.person.hears([slides.tone], 1500)
  assert.ok(own < silent, `the own tab at ${own} dBFS`)
})

step('on a phone the screen is above the faces', async () => {
  const { ann, ben } = guests
  await ben.page.setViewportSize({ width: 390, height: 844 })
  const self = ben.page.locator('[data-testid="tile"][data-self="true"]')
  await until('the layout follows', 5_000, async () => {
    const [screen, face] = await Promise.all([ben.page.locator(screenOf(ann)).boundingBox(), self.boundingBox()])
    return screen.width > 350 && screen.y + screen.height <= face.y
  })
  assert.ok(await ben.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing is wider than the phone')
  const leave = await ben.at('leave').boundingBox()
  assert.ok(leave.x >= 0 && leave.x + leave.width <= 390, `leave from ${leave.x} to ${leave.x + leave.width}`)
  await ben.page.setViewportSize({ width: 1280, height: 800 })
})

step('a face can be pinned in place of the screen, and back', async () => {
  const { ann, ben } = guests
  const face = ben.page.locator(`[data-testid="tile"][data-attendee-id="${ann.attendee}"]`)
  await face.hover()
  await face.locator('[data-testid="pin"]').click()
  await until('the face is large', 5_000, async () => (await face.boundingBox()).width > 800)
  assert.equal(await face.getAttribute('data-pinned'), 'true')
  await seesScreen(ben, ann) // small now, and alive
  await face.hover()
  await face.locator('[data-testid="pin"]').click()
  await until('the screen is large', 5_000, async () => (await ben.page.locator(screenOf(ann)).boundingBox()).width > 800)
})

step('it ends by the button of the sharer', async () => {
  const { ann, ben } = guests
  await ann.at('stop-sharing').click()
  await noScreen(ben, ann)
  assert.equal(await ben.at('layout').getAttribute('data-layout'), 'grid')
  await ann.at('sharing').waitFor({ state: 'detached' })
  assert.equal(await ann.at('share-problem').count(), 0)
})

step('it goes on after the server was killed, without asking again', async (t) => {
  const { ann, ben } = guests
  await ann.page.keyboard.press('d')
  await seesScreen(ben, ann)
  await carillon.end('SIGKILL')
  await carillon.start()
  const restart = Date.now()
  await seesScreen(ben, ann, 25_000)
  t.diagnostic(`the screen is back ${Date.now() - restart} ms after the restart`)
})

step('it ends when what is shared is closed', async () => {
  const { ann, ben } = guests
  await ann.slides.close()
  await noScreen(ben, ann)
  await ann.at('sharing').waitFor({ state: 'detached' })
  assert.equal(await ann.at('share-toggle').getAttribute('aria-pressed'), 'false')
  assert.equal(await ann.at('share-problem').count(), 0)
})

step('of three who share at once two do, and the third is told why not', async () => {
  const cid = await arrive('cid', 2710)
  await enter(cid)
  const all = Object.values(guests)
  for (const guest of all) {
    guest.slides = await openSlides(guest.person, slides.title, slides.tone)
    // All have chosen before the first is seen, so that it is the server that decides.
    await guest.page.evaluate(() => {
      const pick = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices)
      const gate = new Promise((open) => (window.openGate = open))
      navigator.mediaDevices.getDisplayMedia = async (options) => {
        const stream = await pick(options)
        window.chosen = true
        await gate
        return stream
      }
    })
    await guest.at('share-toggle').click()
    await until(`${guest.person.name} has chosen`, 10_000, () => guest.page.evaluate(() => window.chosen))
  }
  await Promise.all(all.map((guest) => guest.page.evaluate(() => window.openGate())))
  const sharers = []
  const refused = []
  for (const guest of all) {
    await until(`${guest.person.name} shares or is refused`, 20_000, async () => {
      if (await guest.at('share-problem').count()) return refused.push(guest)
      // All at once: what is there may be gone a moment later, when the server refuses.
      const starting = await guest.at('sharing').evaluateAll((found) => found.map((one) => one.dataset.starting))
      if (starting[0] === 'false') return sharers.push(guest)
      return false
    })
  }
  assert.equal(sharers.length, 2)
  assert.equal(await refused[0].at('share-problem').getAttribute('data-problem'), 'full')
  assert.match(await refused[0].at('share-problem').innerText(), /Two screens are already shared/)
  for (const sharer of sharers) await seesScreen(refused[0], sharer)
  // And when it is known beforehand, nobody has to choose first.
  await refused[0].page.evaluate(() => void (navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new TypeError('was asked'))))
  await refused[0].at('share-problem').getByRole('button').click()
  await refused[0].at('share-problem').waitFor({ state: 'detached' })
  await refused[0].at('share-toggle').click()
  await until('told again', 3_000, async () => (await refused[0].at('share-problem').getAttribute('data-problem')) === 'full')
  guests.sharer = sharers[0]
  guests.watcher = refused[0]
})

step('it ends when the sharer leaves', async () => {
  const { sharer, watcher } = guests
  delete guests.sharer
  delete guests.watcher
  await sharer.at('leave').click()
  await noScreen(watcher, sharer)
  assert.equal(await watcher.page.locator('[data-testid="tile"][data-content="true"]').count(), 1)
})
