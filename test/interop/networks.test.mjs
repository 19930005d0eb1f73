// Calls from networks that let little through, in a real browser with the unmodified SDK.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ChimeSDKMeetingsClient, CreateAttendeeCommand, CreateMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings'
import { Carillon } from '../lib/carillon.mjs'
import { Person } from '../lib/browser.mjs'
import { Certificate } from '../lib/certificate.mjs'
import { until } from '../lib/until.mjs'
import { servePage } from './page/serve.mjs'

const heard = -50 // dBFS: a tone in the mix is far above,
const silent = -65 // and one that is not in it far below
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
  const call = (person, method, ...args) => person.page.evaluate(([m, a]) => window.call[m](...a), [method, args])
  try {
    const key = carillon.createKey()
    const chime = new ChimeSDKMeetingsClient({
      endpoint: carillon.url + '/chime', region: 'eu-central-1',
      credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
    })
    const meeting = await chime.send(new CreateMeetingCommand({ ClientRequestToken: crypto.randomUUID(), MediaRegion: 'eu-central-1', ExternalMeetingId: 'networks' }))
    for (const name of ['ann', 'ben']) {
      const person = await Person.open(name, tones[name], { trusts })
      people.push(person)
      if (blocked[name]) await person.page.addInitScript(blockCandidates, blocked[name])
      if (through[name]) await person.page.addInitScript(letThrough, through[name])
      await person.page.goto(page.url)
      const attendee = await chime.send(new CreateAttendeeCommand({ MeetingId: meeting.Meeting.MeetingId, ExternalUserId: name }))
      person.attendee = attendee.Attendee.AttendeeId
      const own = structuredClone({ Meeting: meeting.Meeting })
      if (relay.includes(name)) own.Meeting.MediaPlacement.SignalingUrl += '/relay'
      await call(person, 'join', own, { Attendee: attendee.Attendee }, undefined)
    }
    for (const person of people) {
      await until(`${person.name} started`, 60_000, () => person.page.evaluate(() => window.call.log.includes('started')))
    }
    for (const person of people) {
      // A session whose first attempt failed has forgotten that the camera was to be on.
      if (blocked[person.name] === everything) await call(person, 'camera', true)
    }
    for (const [me, other] of [people, people.toReversed()]) {
      await until(`${me.name} sees ${other.name} move`, 30_000, () => me.moving(`video[data-attendee="${other.attendee}"][data-self="false"]`))
      const before = (await me.sees()).reduce((n, s) => n + s.frames, 0)
      await until(`${me.name} decodes on`, 15_000, async () => (await me.sees()).reduce((n, s) => n + s.frames, 0) > before + 15)
      await until(`${me.name} hears ${other.name} and not himself`, 20_000, async () => {
        const [own, others] = await me.hears([me.tone, other.tone])
        if (others > heard && own < silent) return true
        throw new Error(`levels: own ${own}, other ${others}`)
      })
    }
    const taken = {}
    for (const person of people) {
      taken[person.name] = await person.page.evaluate(routes)
      t.diagnostic(`${person.name}: ${JSON.stringify(taken[person.name])}`)
      assert.equal(taken[person.name].length, 1)
    }
    check(taken, people)
  } catch (error) {
    for (const person of people) t.diagnostic(`${person.name}: ${person.console.slice(-15).join('\n')}`)
    t.diagnostic(carillon.log.slice(-3000))
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
