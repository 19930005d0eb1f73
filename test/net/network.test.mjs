// The bad network itself: what the other tests measure is worth as much as this.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { Network } from '../lib/network.mjs'
import { Shaper } from '../lib/shaper.mjs'
import { until } from '../lib/until.mjs'

const fates = (seed, line, packets = 10_000) => {
  const shaper = new Shaper(seed)
  shaper.set(line)
  return Array.from({ length: packets }, (_, i) => shaper.take(1000, i * 10))
}

test('a seed decides which packets are lost, and how many that are', () => {
  const lost = fates(7, { loss: 0.05 }).map((at) => at === undefined)
  assert.deepEqual(fates(7, { loss: 0.05 }).map((at) => at === undefined), lost)
  assert.notDeepEqual(fates(8, { loss: 0.05 }).map((at) => at === undefined), lost)
  const share = lost.filter(Boolean).length / lost.length
  assert.ok(share > 0.045 && share < 0.055, `${share} lost`)
})

test('delay and jitter keep the order', () => {
  const arrivals = fates(1, { delay: 25, jitter: 30 })
  const delays = arrivals.map((at, i) => at - i * 10)
  assert.ok(Math.min(...delays) >= 25 && Math.max(...delays) <= 55, `${Math.min(...delays)} to ${Math.max(...delays)}`)
  assert.ok(Math.max(...delays) > 50)
  assert.ok(arrivals.every((at, i) => i === 0 || at >= arrivals[i - 1]))
})

test('a rate lets through what it allows, and the queue no more than its length', () => {
  const shaper = new Shaper(1)
  shaper.set({ rate: 400_000, queue: 300 }) // 20 ms for each packet of 1000 bytes
  for (let now = 0; now < 10_000; now += 10) {
    const at = shaper.take(1000, now)
    assert.ok(at === undefined || at - now <= 320, `${at - now} ms on the way`)
  }
  assert.ok(Math.abs(shaper.count.packets - 515) <= 2, `${shaper.count.packets} packets`) // 500 in the time, 15 in the queue
  shaper.set({ rate: 800_000 })
  const before = shaper.count.packets
  for (let now = 20_000; now < 30_000; now += 10) shaper.take(1000, now)
  assert.equal(shaper.count.packets - before, 1000)
  assert.throws(() => shaper.set({ losss: 1 }), /a line has no losss/)
})

let network, echo, server
const heard = []

before(async () => {
  network = new Network()
  echo = createSocket('udp4')
  echo.on('message', (m, from) => echo.send(m, from.port, from.address))
  echo.bind(0, '127.0.0.1')
  await once(echo, 'listening')
  server = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

after(async () => {
  await network.close()
  echo.close()
  server.close()
})

test('a line carries UDP and TCP, is cut silently or for all to see, and is restored', async () => {
  const host = '127.0.0.1'
  const line = await network.line('ann', { media: { host, port: echo.address().port }, http: { host, port: server.address().port }, seed: 1 })
  await assert.rejects(network.line('ann', {}), /already/)
  const udp = createSocket('udp4')
  udp.on('message', (m) => heard.push(String(m)))
  const send = (text) => udp.send(text, line.media, host)
  const dial = () => connect(line.http, host).on('error', () => {}).on('data', (m) => heard.push(String(m)))
  const hears = (text) => until(`${text} comes back`, 5_000, () => heard.includes(text), 10)

  await line.shape({ up: { delay: 30 }, down: { delay: 40 } })
  const start = performance.now()
  send('datagram')
  await hears('datagram')
  const took = performance.now() - start
  assert.ok(took >= 69, `${took} ms there and back`)
  const tcp = dial()
  tcp.write('stream')
  await hears('stream')

  await line.cut('silent')
  send('into the tunnel')
  tcp.write('waits')
  await until('the tunnel swallows the datagram', 5_000, async () => (await line.counters()).up.cut === 1, 10)
  assert.ok(!heard.includes('waits'))
  await line.restore()
  await hears('waits')
  send('after the tunnel')
  await hears('after the tunnel')
  assert.ok(!heard.includes('into the tunnel'))

  await line.cut('broken')
  await until('the connection ends', 5_000, () => tcp.destroyed, 10)
  const refused = dial()
  await until('a new one ends too', 5_000, () => refused.destroyed, 10)
  await line.restore()
  dial().write('again')
  await hears('again')
  const { up, down } = await line.counters()
  assert.deepEqual([up.packets, up.cut, down.packets, down.cut], [2, 1, 2, 0])
  udp.close()
})
