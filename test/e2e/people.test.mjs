// What happens to people besides the call itself: passwords, languages, other windows, hints, and whether
// somebody who cannot see the screen or use a mouse gets along.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { Person } from '../lib/browser.mjs'
import { Carillon } from '../lib/carillon.mjs'
import { Guest, password } from '../lib/client.mjs'
import { until } from '../lib/until.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let carillon
let ann
let ben
const contexts = []

before(async () => {
  carillon = await Carillon.start()
  ;[ann, ben] = await Promise.all([['ann', 450], ['ben', 1130]].map(async ([name, tone]) => new Guest(await Person.open(name, tone), carillon.url)))
  await Promise.all([ann.signUp(), ben.signUp()])
  await ann.createMeeting('Weekly', 'Every Monday')
})

after(async () => {
  for (const context of contexts) await context.close()
  for (const guest of [ann, ben]) await guest?.person.close()
  await carillon?.dispose()
})

/** The same browser process with other cookies: another device of the same person, or somebody unknown. */
async function otherDevice(guest, options = {}) {
  const context = await guest.person.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  contexts.push(context)
  await context.grantPermissions(['camera', 'microphone'])
  return windowOf(guest, await context.newPage())
}

const windowOf = (guest, page) => Object.assign(new Guest(Object.assign(Object.create(guest.person), { page }), carillon.url), { email: guest.email })

async function signIn(guest, secret) {
  await guest.page.goto(carillon.url + '/sign-in')
  await guest.type('sign-in-email', guest.email)
  await guest.type('sign-in-password', secret)
  await guest.at('sign-in-submit').click()
}

const check = (name, run) => test(name, { timeout: 60_000 }, run)

check('the first page speaks Japanese to a Japanese browser, and English on request', async () => {
  const device = await otherDevice(ann, { locale: 'ja-JP' })
  await device.page.goto(carillon.url)
  await device.at('sign-in-submit').waitFor()
  assert.equal(await device.page.locator('html').getAttribute('lang'), 'ja')
  assert.match(await device.page.title(), /サインイン/)
  assert.equal((await device.at('sign-in-submit').innerText()).trim(), 'サインイン')
  assert.match(await device.page.locator('main').innerText(), /パスワード/)
  await device.at('language-menu').click()
  await device.page.getByText('English', { exact: true }).click()
  await until('the page is English', 5_000, async () => (await device.at('sign-in-submit').innerText()).trim() === 'Sign in')
  await device.page.reload()
  await until('it stays English', 5_000, async () => (await device.at('sign-in-submit').innerText()).trim() === 'Sign in')
})

check('a wrong password is told without telling whether the account exists', async () => {
  const device = await otherDevice(ann)
  await signIn(device, 'not the password')
  await device.at('error-message').waitFor()
  const known = await device.at('error-message').innerText()
  assert.match(known, /E-mail address or password is wrong/)
  device.email = 'nobody@example.org'
  await signIn(device, 'not the password')
  await device.at('error-message').waitFor()
  assert.equal(await device.at('error-message').innerText(), known)
  assert.match(device.page.url(), /sign-in/)
})

check('a new title is seen by others without reloading', async () => {
  await ben.card('Weekly').waitFor({ timeout: 5_000 })
  const id = await ben.card('Weekly').getAttribute('data-meeting-id')
  await ann.card('Weekly').locator('[data-testid="edit"]').click()
  await ann.type('meeting-title', 'Weekly review')
  await ann.at('meeting-title').press('Enter')
  await ben.card('Weekly review').waitFor({ timeout: 5_000 })
  assert.equal(await ben.card('Weekly review').getAttribute('data-meeting-id'), id)
  assert.equal(await ben.at('meeting-card').count(), 1)
})

check('changing the password signs the other devices out, not this one', async () => {
  const phone = await otherDevice(ben)
  await signIn(phone, password)
  await phone.at('create-meeting').waitFor()

  const desk = windowOf(ben, await ben.person.context.newPage())
  await desk.page.goto(carillon.url + '/profile')
  await desk.type('old-password', 'not the password')
  await desk.type('new-password', 'another horse battery')
  await desk.at('password-save').click()
  await until('the wrong one is refused', 10_000, async () => /current password is wrong/.test(await desk.at('error-message').innerText()))
  await desk.type('old-password', password)
  await desk.at('password-save').click()
  await desk.page.getByText('The password is changed.').waitFor()

  await phone.page.reload()
  await phone.at('sign-in-submit').waitFor()
  await signIn(phone, password)
  await phone.at('error-message').waitFor()
  await phone.type('sign-in-password', 'another horse battery')
  await phone.at('sign-in-submit').click()
  await phone.at('create-meeting').waitFor()
  await desk.page.reload()
  await desk.at('password-save').waitFor()
  await desk.page.close()
})

check('shortcuts switch, also while something else has the focus, and are listed', async () => {
  await ann.join('Weekly review')
  const on = async (control) => (await ann.at(control).getAttribute('aria-pressed')) === 'true'
  await until('the camera is on', 15_000, () => on('camera-toggle'))
  await ann.page.keyboard.press('Control+d')
  await until('Ctrl+D mutes', 5_000, async () => !(await on('mic-toggle')))
  await ann.page.keyboard.press('Control+e')
  await until('Ctrl+E switches the camera off', 5_000, async () => !(await on('camera-toggle')))
  await ann.page.keyboard.press('?')
  await ann.at('shortcuts').waitFor()
  await ann.page.keyboard.press('m')
  await ann.at('single-keys').getByLabel(/single keys/i).click()
  await ann.page.keyboard.press('Escape')
  await ann.at('shortcuts').waitFor({ state: 'hidden' })
  await ann.page.keyboard.press('p')
  await ann.page.keyboard.press('Control+e')
  await until('Ctrl+E still works', 5_000, () => on('camera-toggle'))
  assert.equal(await on('mic-toggle'), false, 'M did nothing behind the dialog')
  assert.equal(await ann.at('roster-item').count(), 0, 'P is switched off')
})

check('somebody who speaks while muted is told, and can be heard with one click', async () => {
  await ann.at('speaking-muted').waitFor({ timeout: 15_000 })
  await ann.at('speaking-muted').getByRole('button').click()
  await until('the microphone is on', 5_000, async () => (await ann.at('mic-toggle').getAttribute('aria-pressed')) === 'true')
  await ann.at('speaking-muted').waitFor({ state: 'detached' })
})

check('the others are told who comes and goes', async () => {
  // Who comes in the first two seconds (firstRosterMs) counts as having been there before ann, and is no news.
  await new Promise((over) => setTimeout(over, 2_500))
  await ben.join('Weekly review')
  await until('ann reads it', 10_000, async () => /ben joined/.test(await ann.at('news').innerText()))
  await ben.at('leave').click()
  await until('ann reads it', 10_000, async () => /ben left/.test(await ann.at('news').innerText()))
})

check('the link of the meeting can be copied in the call', async () => {
  await ann.person.context.grantPermissions(['camera', 'microphone', 'clipboard-read', 'clipboard-write'])
  await ann.at('copy-link').click()
  await until('it says so', 5_000, async () => /Link copied/.test(await ann.at('copy-result').innerText()))
  assert.equal(await ann.page.evaluate(() => navigator.clipboard.readText()), ann.page.url())
})

check('who joins in another window leaves in the first, and can come back', async () => {
  const second = windowOf(ann, await ann.person.context.newPage())
  await second.page.goto(ann.page.url())
  await second.enter()
  await ann.at('ended-reason').waitFor({ timeout: 10_000 })
  assert.equal(await ann.at('ended-reason').getAttribute('data-reason'), 'elsewhere')
  assert.equal((await ann.at('rejoin').innerText()).trim(), 'Use here')
  await ann.at('rejoin').click()
  await second.at('ended-reason').waitFor({ timeout: 15_000 })
  assert.equal(await second.at('ended-reason').getAttribute('data-reason'), 'elsewhere')
  await until('ann is back', 10_000, async () => (await ann.at('stage').getAttribute('data-phase')) === 'connected')
  assert.equal(await ann.at('tile').count(), 1)
  await second.page.close()
})

async function audit(page, name) {
  await page.evaluate(axe)
  const violations = await page.evaluate(async () => {
    // Colours and places are judged when nothing moves any more.
    await Promise.all(document.getAnimations().filter((each) => each.effect?.getTiming().iterations !== Infinity).map((each) => each.finished.catch(() => {})))
    const result = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join(' | ')}`)
  })
  assert.deepEqual(violations, [], name)
}

for (const colorScheme of ['light', 'dark']) {
  check(`every screen passes an accessibility check (${colorScheme})`, async () => {
    for (const guest of [ann, ben]) await guest.page.emulateMedia({ colorScheme })
    const unknown = await otherDevice(ann, { colorScheme })
    for (const [path, shown] of [['/sign-in', 'sign-in-submit'], ['/sign-up', 'sign-up-submit']]) {
      await unknown.page.goto(carillon.url + path)
      await unknown.at(shown).waitFor()
      await audit(unknown.page, path)
    }

    await ben.page.goto(carillon.url)
    await ben.at('meeting-card').waitFor()
    await audit(ben.page, 'list')
    await ben.at('create-meeting').click()
    await ben.at('meeting-title').waitFor()
    await audit(ben.page, 'new meeting')
    await ben.page.goto(carillon.url + '/profile')
    await ben.at('password-save').waitFor()
    await audit(ben.page, 'profile')
    await ben.page.goto(ann.page.url())
    await ben.at('preview-join').waitFor()
    await audit(ben.page, 'preview')
    await ben.enter()
    await ben.at('roster-toggle').click()
    await ben.at('roster-item').first().waitFor()
    await audit(ben.page, 'call')
    await ben.at('show-shortcuts').click()
    await ben.at('shortcuts').waitFor()
    await audit(ben.page, 'shortcuts')
    await ben.page.keyboard.press('Escape')
    await ben.at('shortcuts').waitFor({ state: 'hidden' })
    await ben.at('leave').click()
    await ben.at('ended-reason').waitFor()
    await audit(ben.page, 'ended')
  })
}
