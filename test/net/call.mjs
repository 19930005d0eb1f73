// A call between unmodified SDKs, each on a line of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { servePage } from '../interop/page/serve.mjs'
import { Person } from '../lib/browser.mjs'
import { Carillon } from '../lib/carillon.mjs'
import { writeFootage } from '../lib/footage.mjs'
import { Meetings } from '../lib/meetings.mjs'
import { meter } from '../lib/meter.mjs'
import { Network } from '../lib/network.mjs'
import { disturbances, quiet } from '../lib/quality.mjs'
import * as sdk from '../lib/sdk-page.mjs'
import { clear } from '../lib/shaper.mjs'
import { until } from '../lib/until.mjs'

const tones = { ann: 450, ben: 1130, cid: 2710 }
const small = { width: 320, height: 180 } // what is not in view need not be painted

// Call is a server and the people who talk over it. Browsers are used again from meeting to meeting.
export class Call {
  #people = new Map()

  static async open() {
    const call = new Call()
    call.dir = mkdtempSync(join(tmpdir(), 'carillon-net-'))
    call.footage = join(call.dir, 'camera.y4m')
    writeFootage(call.footage)
    call.carillon = await Carillon.start('--media', '127.0.0.1:0', '--log', 'debug')
    call.chime = new Meetings(call.carillon)
    call.network = new Network()
    call.page = await servePage('amazon-chime-sdk-js')
    return call
  }

  async close() {
    for (const { person } of this.#people.values()) await person.close()
    this.page?.close()
    await this.network?.close()
    await this.carillon?.dispose()
    rmSync(this.dir, { recursive: true, force: true })
  }

  // meet starts a meeting of the people named, with these options of the page, and waits until they see and hear each
  // other. Their lines are without faults.
  async meet(options) {
    const meeting = await this.chime.create('bad network')
    const people = []
    for (const [name, choice] of Object.entries(options)) {
      const caller = await this.#caller(name)
      await caller.enter(meeting, choice)
      people.push(caller)
    }
    for (const me of people) {
      for (const other of people) {
        if (other === me || other.options.camera === false) continue
        await until(`${me.name} sees ${other.name}`, 30_000, async () => (await me.meter('now')).video[other.attendee]?.frames > 5)
      }
      await until(`${me.name} hears`, 15_000, async () => (await me.meter('now')).audio?.packets > 50)
    }
    return people
  }

  async #caller(name) {
    let caller = this.#people.get(name)
    if (!caller) {
      const at = (address) => ({ host: address.split(':')[0], port: Number(address.split(':')[1]) })
      const line = await this.network.line(name, { media: at(this.carillon.media), http: at(this.carillon.http), seed: tones[name] })
      const person = await Person.open(name, tones[name], { footage: this.footage, viewport: small })
      await line.route(person.context)
      await person.context.addInitScript(meter)
      caller = new Caller(this, person, line)
      this.#people.set(name, caller)
    }
    await caller.line.restore()
    await caller.line.shape({ up: clear, down: clear })
    return caller
  }

  // story is what everybody has to say when a test fails.
  story() {
    return [...this.#people.values()].map(({ person }) => `${person.name}: ${person.console.slice(-15).join('\n')}`).join('\n') + this.carillon.log.split('\n').filter((line) => !line.includes('msg=request')).slice(-40).join('\n')
  }
}

class Caller {
  constructor(call, person, line) {
    Object.assign(this, { call, person, line, name: person.name, page: person.page })
  }

  async enter(meeting, options) {
    this.options = options
    const mine = structuredClone(meeting)
    mine.Meeting.MediaPlacement.SignalingUrl = this.line.signaling(mine.Meeting.MediaPlacement.SignalingUrl)
    await this.page.goto(this.call.page.url)
    await sdk.join(this, mine, await this.call.chime.invite(meeting, this.name), options)
    await sdk.started(this)
  }

  log() {
    return sdk.log(this)
  }

  roster() {
    return sdk.call(this, 'roster')
  }

  // redundant tells whether sound may come with copies of what was before (RED), as negotiated.
  redundant() {
    return this.page.evaluate(() => {
      const answer = window.probe.live()[0].currentRemoteDescription.sdp
      return /^a=rtpmap:\d+ red\/48000/m.test(answer)
    })
  }

  meter(method) {
    return this.page.evaluate((m) => window.meter[m](), method)
  }

  camera(on) {
    return sdk.call(this, 'camera', on)
  }

  leave() {
    return sdk.call(this, 'leave')
  }

  // sees waits until the picture of somebody comes in a width.
  sees(other, width) {
    return until(`${this.name} sees ${other.name} ${width} pixels wide`, 30_000, async () => (await this.meter('now')).video[other.attendee]?.width === width)
  }
}

// take returns the samples of everybody so far, and the disturbances.
export async function take(people) {
  const samples = await Promise.all(people.map((person) => person.meter('take')))
  const gaps = await Promise.all(people.map((person) => person.line.gaps()))
  return { samples, disturbed: disturbances(samples, gaps.flat()) }
}

const askEvery = 5000 // ms; the samples are many, and to hand them over holds a page up

// observe measures everybody until there are so many seconds at which the machine did not hold anybody up.
export async function observe(people, seconds) {
  for (const person of people) await person.meter('start')
  const seen = await until(`${seconds} quiet seconds on this machine`, 4000 * seconds, async () => {
    const all = await take(people)
    const enough = quiet(all.samples[0], all.disturbed)
    if (enough >= seconds) return all
    throw new Error(`${enough} so far`)
  }, askEvery)
  for (const person of people) await person.meter('stop')
  return seen
}

// widths is the story of a picture: seconds after a time (s, the first sample if it is not given), and the width from then
// on; - is no picture.
export function widths(samples, attendee, from = samples[0].at) {
  const found = []
  for (const s of samples) {
    const width = s.video[attendee]?.width ?? '-'
    if (found.at(-1)?.width !== width) found.push({ at: s.at - from, width })
  }
  return found.map(({ at, width }) => `${at.toFixed(1)} s: ${width}`).join(', ')
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms))
