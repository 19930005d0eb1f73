// A network of bad lines between browsers and a server, without privileges and with the same fate for the packets each
// time. Each line has a UDP port for the media and a TCP port for the signaling of one client, and passes on what
// arrives there. A thread of its own carries the packets, so that a busy test does not delay them.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export class Network {
  #worker = new Worker(new URL('network-worker.mjs', import.meta.url))
  #calls = 0
  #waiting = new Map()

  constructor() {
    this.#worker.on('message', ({ call, answer, error }) => {
      const { resolve, reject } = this.#waiting.get(call)
      this.#waiting.delete(call)
      if (error) reject(new Error(error))
      else resolve(answer)
    })
    this.#worker.on('error', (error) => {
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
  }

  call(method, ...args) {
    const call = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject })
      this.#worker.postMessage({ call, method, args })
    })
  }

  // line makes a line to the media port and the HTTP port of a server, each { host, port }. The seed decides which
  // packets are lost; the address is where the client sends its media, for Firefox not 127.0.0.1.
  async line(name, { media, http, seed, address = '127.0.0.1' }) {
    return new Line(this, name, address, await this.call('line', name, { media, http, seed, address }))
  }

  async close() {
    const gone = once(this.#worker, 'exit')
    await this.#worker.terminate()
    await gone
  }
}

// Line is the line of one client. It starts without any fault.
export class Line {
  constructor(network, name, address, ports) {
    this.network = network
    this.name = name
    this.address = address
    this.media = ports.media // UDP port on that address
    this.http = ports.http // TCP port on 127.0.0.1
  }

  // shape changes one or both directions, seen from the client: { up: {…}, down: {…} }, see shaper.mjs for what. TCP
  // is only delayed: its losses and queues would be those of the retransmission of this machine.
  shape(changes) {
    return this.network.call('shape', this.name, changes)
  }

  // cut takes the client offline. 'silent' is a tunnel: everything vanishes, and TCP waits. 'broken' is a cable that
  // is pulled out: TCP connections end at once and new ones are refused.
  cut(how) {
    return this.network.call('cut', this.name, how)
  }

  restore() {
    return this.network.call('restore', this.name)
  }

  // counters are those of the media since the start: { up, down }, each { packets, bytes, lost, dropped, cut }.
  counters() {
    return this.network.call('counters', this.name)
  }

  // gaps are the times [from, to] (s) at which the client, the server or the line itself sent nothing for 100 ms, which
  // nobody does who sends audio and is not held up.
  gaps() {
    return this.network.call('gaps', this.name)
  }

  // signaling is the address of the server as this client has to use it.
  signaling(url) {
    const to = new URL(url)
    to.host = `127.0.0.1:${this.http}`
    return to.href
  }

  // route makes the pages of a browser send their media to this line, from the next page on.
  route(context) {
    return context.addInitScript(reroute, `${this.address} ${this.media}`)
  }
}

// reroute runs in the page before its own scripts. It puts the line in the place of the server's UDP candidates
// and takes every other way out, whatever the client does with the answer.
function reroute(line) {
  const native = RTCPeerConnection.prototype.setRemoteDescription
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const detour = (_, foundation, priority) =>
      foundation === undefined ? '' : `a=candidate:${foundation} 1 udp ${priority} ${line} typ host\r\n`
    const changed = sdp.replace(/^a=candidate:(?:(\S+) 1 udp (\d+) \S+ \d+ typ host|.*).*\r\n/gim, detour)
    return native.call(this, { type, sdp: changed })
  }
}
