// The web client in Firefox, in a call with somebody in Chromium.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { Guest } from '../lib/client.mjs'
import { decodesOn, hearsOthers, silent } from '../lib/media.mjs'
import { reportGuests } from '../lib/report.mjs'
import { until } from '../lib/until.mjs'

const title = 'Foxes'
// The SDK's 64-bit numbers (long.js) try WebAssembly, which the page's policy forbids, and do without; Firefox reports it.
const tried = /Content-Security-Policy: .* blocked WebAssembly/

let carillon, fox, ann

before(async () => {
  carillon = await Carillon.start()
  fox = new Guest(await Person.open('fox', 3110, { firefox: true }), carillon.url)
  ann = new Guest(await Person.open('ann', 450), carillon.url)
})

after(async () => {
  await fox?.person.close()
  await ann?.person.close()
  await carillon?.dispose()
})

async function seesAndHears(me, other) {
  await me.seesMoving(other, 45_000)
  await decodesOn(me.person, 15, 30_000)
  await hearsOthers(me.person, [other.person], 30_000, 1500)
}

test('the web client in Firefox', { timeout: 240_000 }, async (t) => {
  try {
    await fox.signUp()
    await ann.signUp()
    await fox.createMeeting(title, 'Who sees whom')
    await ann.card(title).waitFor()
    await fox.join(title)
    await ann.join(title)
    await seesAndHears(fox, ann)
    await seesAndHears(ann, fox)

    await fox.at('mic-toggle').click()
    await until('ann hears silence', 20_000, async () => (await ann.person.hears([fox.person.tone], 1500))[0] < silent)
    await fox.at('camera-toggle').click()
    await until('no picture of fox', 20_000, async () => (await ann.page.locator(ann.videoOf(fox)).count()) === 0)
    await fox.at('camera-toggle').click()
    await ann.seesMoving(fox, 45_000)

    await fox.page.setViewportSize({ width: 390, height: 844 })
    await fox.seesMoving(ann)
    const [content, screen] = await fox.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    assert.ok(content <= screen, `${content} pixels of content on a screen of ${screen}`)

    await fox.at('leave').click()
    await fox.at('ended-reason').waitFor()
    const complaints = fox.person.console.filter((line) => /^(error|pageerror):/.test(line) && !tried.test(line))
    assert.deepEqual(complaints, [])
  } catch (error) {
    await reportGuests(t, [fox, ann], carillon)
    throw error
  }
})
