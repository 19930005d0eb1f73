// Ten seconds without any network.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../lib/until.mjs'
import { Call, pause } from './call.mjs'

let call

before(async () => {
  call = await Call.open()
})

after(() => call?.close())

// got is how much has come of sound and picture; it begins anew with each connection.
async function got(me, other) {
  const now = await me.meter('now')
  return { frames: now.video[other.attendee]?.frames ?? 0, packets: now.audio?.packets ?? 0 }
}

// stalled is whether somebody is told that the other's picture stands still because of the other's connection.
async function stalled(me, other) {
  const tiles = await me.page.evaluate(() => window.call.tiles())
  return tiles.find((tile) => tile.attendee === other.attendee)?.stalled
}

// flows waits until sound and picture arrive, from now on.
async function flows(me, other, deadline) {
  const before = await got(me, other)
  await until(`${me.name} sees and hears ${other.name} go on`, deadline, async () => {
    const now = await got(me, other)
    for (const what of ['frames', 'packets']) if (now[what] < before[what]) before[what] = now[what] // a new connection
    return now.frames > before.frames + 10 && now.packets > before.packets + 25
  })
}

for (const how of ['silent', 'broken']) {
  test(`10 s offline (${how}), then online: back within 10 s`, { timeout: 120_000 }, async (t) => {
    const [ann, ben] = await call.meet({ ann: {}, ben: {} })
    try {
      const page = ben.page.context()
      await ben.line.cut(how)
      if (how === 'broken') await page.setOffline(true)
      await pause(10_000)
      const { frames } = await got(ann, ben)
      await pause(500)
      assert.equal((await got(ann, ben)).frames, frames, 'nothing comes from somebody who is offline')
      assert.equal(await stalled(ann, ben), true, 'the picture is marked')
      await ben.line.restore()
      if (how === 'broken') await page.setOffline(false)
      const online = Date.now()
      const left = () => Math.max(1, online + 10_000 - Date.now())
      await Promise.all([flows(ann, ben, left()), flows(ben, ann, left())])
      t.diagnostic(`media in both directions after ${Date.now() - online} ms`)
      await until('the picture is no longer marked', 5000, async () => (await stalled(ann, ben)) === false)
      const log = await ben.log()
      t.diagnostic(`ben: ${log}`)
      assert.ok(!log.includes('stopped'))
      const roster = await ann.roster()
      assert.equal(roster[ben.attendee].present, true)
      assert.ok(!roster[ben.attendee].dropped)
    } catch (error) {
      t.diagnostic(call.story())
      throw error
    }
  })
}
