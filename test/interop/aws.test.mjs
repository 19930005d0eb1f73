// The unmodified AWS SDK for JavaScript against the meetings API. With CARILLON_URL, CARILLON_KEY_ID and
// CARILLON_SECRET in the environment it talks to that server; without them it starts the built binary.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  BadRequestException, CreateAttendeeCommand, CreateMeetingCommand, DeleteMeetingCommand, GetMeetingCommand,
  LimitExceededException, ListAttendeesCommand, NotFoundException,
} from '@aws-sdk/client-chime-sdk-meetings'
import { Carillon } from '../lib/carillon.mjs'
import { meetingsClient } from '../lib/meetings.mjs'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
let carillon, url, key, chime

const client = (options) => meetingsClient(url, key, options)

before(async () => {
  if (process.env.CARILLON_URL) {
    url = process.env.CARILLON_URL
    key = { accessKeyId: process.env.CARILLON_KEY_ID, secretAccessKey: process.env.CARILLON_SECRET }
  } else {
    carillon = await Carillon.start()
    url = carillon.url
    key = carillon.createKey()
  }
  chime = client()
})

after(async () => {
  chime?.destroy()
  await carillon?.dispose()
})

const meetingInput = (more = {}) => ({
  ClientRequestToken: crypto.randomUUID(), MediaRegion: 'eu-central-1', ExternalMeetingId: 'interop', ...more,
})
const create = async (more, by = chime) => (await by.send(new CreateMeetingCommand(meetingInput(more)))).Meeting
const get = (MeetingId, by = chime) => by.send(new GetMeetingCommand({ MeetingId }))
const remove = (MeetingId, by = chime) => by.send(new DeleteMeetingCommand({ MeetingId }))

// failure returns the error that a promise ends with.
async function failure(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  assert.fail('the call succeeded')
}

test('a meeting from its creation to its end', async () => {
  const created = await create({ ExternalMeetingId: 'café #1', MeetingHostId: 'host', TenantIds: ['tenant-a'], Tags: [{ Key: 'team', Value: 'a b' }] })
  assert.match(created.MeetingId, uuid)
  assert.equal(created.ExternalMeetingId, 'café #1')
  assert.equal(created.MeetingHostId, 'host')
  assert.equal(created.MediaRegion, 'eu-central-1')
  assert.deepEqual(created.TenantIds, ['tenant-a'])
  assert.equal(created.MeetingFeatures, undefined)
  assert.equal(created.MeetingArn, `arn:aws:chime:eu-central-1:000000000000:meeting/${created.MeetingId}`)
  const media = created.MediaPlacement
  assert.match(media.AudioHostUrl, /^[^/]+:\d+$/)
  assert.match(media.SignalingUrl, new RegExp(`^wss?://.+/signal/${created.MeetingId}$`))
  assert.equal(media.TurnControlUrl, '')

  const found = await get(created.MeetingId)
  assert.deepEqual(found.Meeting, created)
  assert.equal(found.$metadata.httpStatusCode, 200)
  assert.match(found.$metadata.requestId, uuid)

  const deleted = await remove(created.MeetingId)
  assert.equal(deleted.$metadata.httpStatusCode, 204)
  for (const call of [get, remove]) {
    const error = await failure(call(created.MeetingId))
    assert.ok(error instanceof NotFoundException, error.name)
    assert.equal(error.$metadata.httpStatusCode, 404)
    assert.equal(error.$metadata.attempts, 1)
    assert.equal(error.RequestId, error.$metadata.requestId)
  }
})

test('one request token makes one meeting while it lives', async () => {
  const ClientRequestToken = crypto.randomUUID()
  const meetings = await Promise.all(Array.from({ length: 20 }, () => create({ ClientRequestToken })))
  const ids = new Set(meetings.map((m) => m.MeetingId))
  assert.equal(ids.size, 1)
  await remove([...ids][0])
  const next = await create({ ClientRequestToken })
  assert.ok(!ids.has(next.MeetingId))
  const filled = await create({ ClientRequestToken: undefined }) // the SDK makes one up
  assert.notEqual(filled.MeetingId, next.MeetingId)
  await Promise.all([next, filled].map((m) => remove(m.MeetingId)))
})

test('attendees', async () => {
  const { MeetingId } = await create({ MeetingFeatures: { Attendee: { MaxCount: 2 } } })
  const invite = async (ExternalUserId, Capabilities) =>
    (await chime.send(new CreateAttendeeCommand({ MeetingId, ExternalUserId, Capabilities }))).Attendee
  const ann = await invite('ann')
  assert.match(ann.AttendeeId, uuid)
  assert.equal(ann.ExternalUserId, 'ann')
  // Clients pass the token as a WebSocket sub-protocol and cut it at "#".
  assert.match(ann.JoinToken, /^[A-Za-z0-9]{2,2048}$/)
  assert.deepEqual(ann.Capabilities, { Audio: 'SendReceive', Video: 'SendReceive', Content: 'SendReceive' })
  assert.deepEqual(await invite('ann'), ann)
  const wanted = { Audio: 'Receive', Video: 'Receive', Content: 'None' }
  const ben = await invite('ben', wanted)
  assert.deepEqual(ben.Capabilities, wanted)
  assert.notEqual(ben.JoinToken, ann.JoinToken)

  const full = await failure(invite('eve'))
  assert.ok(full instanceof LimitExceededException, full.name)
  const impossible = await failure(invite('eve', { Audio: 'None', Video: 'None', Content: 'Receive' }))
  assert.ok(impossible instanceof BadRequestException, impossible.name)
  await remove(MeetingId)
  const gone = await failure(invite('ann'))
  assert.ok(gone instanceof NotFoundException, gone.name)
})

test('input that breaks a rule', async () => {
  const { MeetingId } = await create()
  for (const [name, call] of [
    ['ValidationException', () => create({ ExternalMeetingId: 'x' })],
    ['ValidationException', () => create({ MediaRegion: undefined })],
    ['ValidationException', () => get('not/a guid')],
    ['ValidationException', () => chime.send(new CreateAttendeeCommand({ MeetingId, ExternalUserId: 'a*b' }))],
    ['BadRequestException', () => create({ ExternalMeetingId: 'aws:reserved' })],
    ['BadRequestException', () => create({ MediaRegion: 'mars-1' })],
    ['BadRequestException', () => create({ MeetingFeatures: { Video: { MaxResolution: 'FHD' } } })],
    ['BadRequestException', () => chime.send(new ListAttendeesCommand({ MeetingId, MaxResults: 5, NextToken: 'a b/c=&+' }))],
  ]) {
    const error = await failure(call())
    assert.equal(error.name, name)
    assert.notEqual(error.message, '')
    assert.equal(error.$metadata.attempts, 1)
    assert.match(error.$metadata.requestId, uuid)
  }
  const empty = await failure(get(''))
  assert.equal(empty.name, 'ValidationException')
  await remove(MeetingId)
})

test('wrong credentials', async () => {
  const unknown = client({ credentials: { accessKeyId: 'CKZZZZZZZZZZZZZZZZZZ', secretAccessKey: key.secretAccessKey } })
  const wrong = client({ credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey + 'x' }, maxAttempts: 1 })
  const temporary = client({ credentials: { ...key, sessionToken: 'token' } })
  for (const [name, by] of [['UnrecognizedClientException', unknown], ['InvalidSignatureException', wrong], ['UnrecognizedClientException', temporary]]) {
    const error = await failure(create({}, by))
    assert.equal(error.name, name)
    assert.equal(error.$metadata.httpStatusCode, 403)
    by.destroy()
  }
})

test('a client whose clock is two hours off corrects it', async (t) => {
  const now = Date.now
  for (const offset of [-7_200_000, 7_200_000]) {
    const clock = t.mock.method(Date, 'now', () => now() + offset)
    const by = client()
    const { Meeting, $metadata } = await by.send(new CreateMeetingCommand(meetingInput()))
    assert.ok($metadata.attempts > 1, 'the clock had no effect on the signature')
    await remove(Meeting.MeetingId, by)
    by.destroy()
    clock.mock.restore()
  }
})

test('any region of the client, which is in the name of the resource', async () => {
  const by = client({ region: 'us-east-1' })
  const meeting = await create({}, by)
  assert.match(meeting.MeetingArn, /^arn:aws:chime:us-east-1:/)
  await remove(meeting.MeetingId, by)
  by.destroy()
})
