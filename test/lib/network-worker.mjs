// The thread of network.mjs: relays of UDP and TCP.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { Shaper } from './shaper.mjs'

const host = '127.0.0.1'
const lines = new Map() // by name

const held = 100 // ms

// Way delivers packets of one direction in order, each at its time. It notes when the machine seems to have held up who
// sends, as audio comes every 20 ms, or this thread: gaps are [from, to] in seconds of the wall clock.
class Way {
  #queue = []
  #timer
  #heard
  gaps = []

  constructor(seed) {
    this.shaper = new Shaper(seed)
  }

  send(bytes, deliver) {
    const now = performance.now()
    if (now - this.#heard > held) this.#gap(this.#heard, now)
    this.#heard = now
    const at = this.shaper.take(bytes, now)
    if (at === undefined) return
    if (at <= now && this.#queue.length === 0) return deliver()
    this.#queue.push({ at, deliver })
    this.#schedule(now)
  }

  #schedule(now) {
    if (this.#timer || this.#queue.length === 0) return
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, this.#queue[0].at - now))
  }

  #gap(...times) {
    this.gaps.push(times.map((t) => (performance.timeOrigin + t) / 1000))
  }

  #flush() {
    this.#timer = undefined
    const now = performance.now()
    if (now - this.#queue[0].at > held) this.#gap(this.#queue[0].at, now)
    while (this.#queue.length > 0 && this.#queue[0].at <= now + 0.5) this.#queue.shift().deliver()
    this.#schedule(now)
  }
}

// Media is the UDP relay: each address that the client sends from gets a socket of its own towards the server, as with
// a NAT, because the server tells clients apart by their addresses.
class Media {
  #toServer = new Map() // by address of the client

  constructor(server, up, down) {
    Object.assign(this, { server, up, down })
    this.socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 })
    this.socket.on('message', (packet, from) => {
      const out = this.#towardsServer(from)
      this.up.send(packet.length, () => out.send(packet, server.port, server.host))
    })
  }

  #towardsServer(client) {
    const name = `${client.address}:${client.port}`
    let socket = this.#toServer.get(name)
    if (!socket) {
      socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 })
      socket.on('message', (packet) =>
        this.down.send(packet.length, () => this.socket.send(packet, client.port, client.address)),
      )
      this.#toServer.set(name, socket)
    }
    return socket
  }

  async listen(address) {
    this.socket.bind(0, address)
    await once(this.socket, 'listening')
    return this.socket.address().port
  }
}

// Signaling is the TCP relay.
class Signaling {
  #pairs = new Set()
  #mode = 'open'
  #delays = { up: 0, down: 0 }

  constructor(server) {
    this.server = server
    this.listener = createServer({ noDelay: true }, (client) => this.#accept(client))
  }

  async listen() {
    this.listener.listen(0, host)
    await once(this.listener, 'listening')
    return this.listener.address().port
  }

  delay(direction, ms) {
    this.#delays[direction] = ms
  }

  // cut and restore: what waits in the sockets while the line is silent goes on afterwards, as TCP would send it again.
  cut(how) {
    this.#mode = how
    for (const pair of this.#pairs) {
      if (how === 'broken') pair.end()
      else pair.pause()
    }
  }

  restore() {
    this.#mode = 'open'
    for (const pair of this.#pairs) pair.resume()
  }

  #accept(client) {
    if (this.#mode === 'broken') return client.resetAndDestroy()
    const server = connect({ ...this.server, noDelay: true })
    const sockets = [client, server]
    const pair = {
      pause: () => sockets.forEach((s) => s.pause()),
      resume: () => sockets.forEach((s) => s.resume()),
      end: () => sockets.forEach((s) => s.resetAndDestroy()),
    }
    this.#pairs.add(pair)
    for (const [from, to, direction] of [[client, server, 'up'], [server, client, 'down']]) {
      const later = (f) => (this.#delays[direction] ? setTimeout(f, this.#delays[direction]) : f())
      from.on('data', (chunk) => later(() => to.write(chunk)))
      from.on('end', () => later(() => to.end()))
      from.on('error', () => {})
      from.on('close', () => {
        to.destroy()
        this.#pairs.delete(pair)
      })
    }
    if (this.#mode === 'silent') pair.pause()
  }
}

const methods = {
  async line(name, { media, http, seed, address = host }) {
    if (lines.has(name)) throw new Error(`there is a line ${name} already`)
    // The two directions must not lose the same packets.
    const line = { up: new Way(seed), down: new Way(seed ^ 0x5bd1e995) }
    line.media = new Media(media, line.up, line.down)
    line.signaling = new Signaling(http)
    lines.set(name, line)
    return { media: await line.media.listen(address), http: await line.signaling.listen() }
  },
  shape(name, changes) {
    const line = lines.get(name)
    for (const [direction, change] of Object.entries(changes)) {
      line[direction].shaper.set(change)
      if ('delay' in change) line.signaling.delay(direction, change.delay)
    }
  },
  cut(name, how) {
    methods.shape(name, { up: { cut: true }, down: { cut: true } })
    lines.get(name).signaling.cut(how)
  },
  restore(name) {
    methods.shape(name, { up: { cut: false }, down: { cut: false } })
    lines.get(name).signaling.restore()
  },
  gaps(name) {
    const { up, down } = lines.get(name)
    return [...up.gaps, ...down.gaps]
  },
  counters(name) {
    const { up, down } = lines.get(name)
    return { up: { ...up.shaper.count }, down: { ...down.shaper.count } }
  },
}

parentPort.on('message', async ({ call, method, args }) => {
  try {
    parentPort.postMessage({ call, answer: await methods[method](...args) })
  } catch (error) {
    parentPort.postMessage({ call, error: error.stack })
  }
})
