// Calls from networks that let little through, in a real browser with the unmodified SDK.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { Certificate } from '../lib/certificate.mjs'
import { decodesOn, hearsOthers } from '../lib/media.mjs'
import { Meetings } from '../lib/meetings.mjs'
import { report } from '../lib/report.mjs'
import { call, join, started, videoOf } from '../lib/sdk-page.mjs'
import { until } from '../lib/until.mjs'
import { servePage } from './page/serve.mjs'

const tones = { ann: 450, ben: 1130 }

const everything = 'udp|tcp'

let page
before(async () => (page = await servePage('amazon-chime-sdk-js')))
after(() => page?.close())

// blockCandidates takes every candidate of that kind out of what the server answers, as a firewall would: nothing is
// ever sent to it directly.
function blockCandidates(kind) {
  const Native = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Native {
    setRemoteDescription(description) {
      if (this.getConfiguration().iceTransportPolicy === 'relay') return super.setRemoteDescription(description)
      const pattern = new RegExp(`a=candidate:\\S+ \\d+ (${kind}) .*\r\n`, 'g')
      return super.setRemoteDescription({ type: description.type, sdp: description.sdp.replace(pattern, '') })
    }
  }
}

// letThrough leaves of the relay's addresses those that match, as a firewall would: nothing is ever sent to the others.
function letThrough(pattern) {
  const Native = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Native {
    constructor({ iceServers = [], ...configuration } = {}) {
      const through = (urls) => [urls].flat().filter((url) => new RegExp(pattern).test(url))
      super({ ...configuration, iceServers: iceServers.map((server) => ({ ...server, urls: through(server.urls) })) })
    }
  }
}

// routes runs in the page: the selected pair of each connection.
async function routes() {
  const found = []
  for (const connection of window.probe.peers()) {
    const stats = await connection.getStats()
    for (const report of stats.values()) {
      if (report.type !== 'transport' || !report.selectedCandidatePairId) continue
      const pair = stats.get(report.selectedCandidatePairId)
      const local = stats.get(pair.localCandidateId)
      const remote = stats.get(pair.remoteCandidateId)
      found.push({ local: local.candidateType, relay: local.relayProtocol, protocol: remote.protocol, remote: remote.candidateType })
    }
  }
  return found
}

async function meet(t, flags, { blocked = {}, relay = [], through = {}, trusts }, check) {
  const carillon = await Carillon.start(...flags)
  const people = []
  try {
    const chime = new Meetings(carillon)
    const meeting = await chime.create('networks')
    for (const name of ['ann', 'ben']) {
      const person = await Person.open(name, tones[name], { trusts })
      people.push(person)
      if (blocked[name]) await person.page.addInitScript(blockCandidates, blocked[name])
      if (through[name]) await person.page.addInitScript(letThrough, through[name])
      await person.page.goto(page.url)
      const own = structuredClone(meeting)
      if (relay.includes(name)) own.Meeting.MediaPlacement.SignalingUrl += '/relay'
      await join(person, own, await chime.invite(meeting, name))
    }
    for (const person of people) await started(person, 60_000)
    for (const person of people) {
      // A session whose first attempt failed has forgotten that the camera was to be on.
      if (blocked[person.name] === everything) await call(person, 'camera', true)
    }
    for (const [me, other] of [people, people.toReversed()]) {
      await until(`${me.name} sees ${other.name} move`, 30_000, () => me.moving(videoOf(other)))
      await decodesOn(me, 15, 15_000)
      await hearsOthers(me, [other], 20_000)
    }
    const taken = {}
    for (const person of people) {
      taken[person.name] = await person.page.evaluate(routes)
      t.diagnostic(`${person.name}: ${JSON.stringify(taken[person.name])}`)
      assert.equal(taken[person.name].length, 1)
    }
    check(taken, people)
  } catch (error) {
    report(t, people, carillon)
    throw error
  } finally {
    for (const person of people) await person.close()
    await carillon.dispose()
  }
}

// overTLS runs a test with a relay over TLS. The browsers resolve its name and check its certificate: they accept it by
// its key alone.
async function overTLS(run) {
  const certificate = new Certificate('localhost')
  try {
    const { certFile, keyFile, pin } = certificate
    await run(['--turn-tls', '127.0.0.1:0', '--turn-cert', certFile, '--turn-key', keyFile, '--turn-host', 'localhost', '--turn-policy', 'always'], pin)
  } finally {
    certificate.dispose()
  }
}

test('UDP is blocked: the call goes over TCP to the media port', { timeout: 180_000 }, (t) =>
  meet(t, [], { blocked: { ann: 'udp' } }, ({ ann: [ann], ben: [ben] }) => {
    assert.deepEqual(ann, { local: ann.local, relay: undefined, protocol: 'tcp', remote: 'host' })
    assert.notEqual(ann.local, 'relay')
    assert.equal(ben.protocol, 'udp')
  }))

test('everybody goes through the relay', { timeout: 180_000 }, (t) =>
  meet(t, ['--turn', '127.0.0.1:0', '--turn-policy', 'always'], {}, (taken) => {
    for (const [route] of Object.values(taken)) assert.equal(route.local, 'relay')
  }))

test('everybody goes through the relay over TLS', { timeout: 180_000 }, (t) =>
  overTLS((flags, trusts) =>
    meet(t, flags, { trusts }, (taken) => {
      for (const [route] of Object.values(taken)) assert.deepEqual([route.local, route.relay], ['relay', 'tls'])
    })))

test('one network lets only TLS through to the relay, the other only TCP', { timeout: 180_000 }, (t) =>
  overTLS((flags, trusts) =>
    meet(t, [...flags, '--turn', '127.0.0.1:0'], { trusts, through: { ann: '^turns:', ben: '^turn:.*=tcp$' } }, ({ ann: [ann], ben: [ben] }) => {
      assert.deepEqual([ann.local, ann.relay], ['relay', 'tls'])
      assert.deepEqual([ben.local, ben.relay], ['relay', 'tcp'])
    })))

test('one asks for the relay, the other connects directly', { timeout: 180_000 }, (t) =>
  meet(t, ['--turn', '127.0.0.1:0'], { relay: ['ann'] }, ({ ann: [ann], ben: [ben] }) => {
    assert.equal(ann.local, 'relay')
    assert.notEqual(ben.local, 'relay')
  }))

test('nothing direct gets through: the second attempt goes through the relay', { timeout: 240_000 }, (t) =>
  meet(t, ['--turn', '127.0.0.1:0'], { blocked: { ann: everything } }, ({ ann: [ann], ben: [ben] }) => {
    assert.equal(ann.local, 'relay')
    assert.notEqual(ben.local, 'relay')
  }))
