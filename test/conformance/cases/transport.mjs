import { NF, SE, V, create, get, meeting, unknown } from './values.mjs'

const bad = 'InvalidSignatureException'
// request is a case of one request that is wrong in one part, given by raw.
const request = (id, name, step, error) => ({ id, name, via: 'raw', steps: [create(), { ...step, error }] })
const make = (raw) => ({ do: 'CreateMeeting', in: meeting(), raw })
const plain = (method, path, more) => ({ raw: { method, path, ...more } })

export default [
  { id: 'T01', name: 'long-lived keys, with a base path (T03)', steps: [create(), get()] },
  request('T04', 'no credentials', make({ unsigned: true }), 'MissingAuthenticationTokenException'),
  request('T05', 'garbled credentials', make({ after: { headers: { authorization: 'AWS4-HMAC-SHA256 nonsense' } } }), 'IncompleteSignatureException'),
  { id: 'T06', name: 'unknown key', key: 'unknown', steps: [{ ...get(unknown), error: 'UnrecognizedClientException' }] },
  { id: 'T07', name: 'wrong secret', key: 'wrong', steps: [{ ...get(unknown), error: bad }] },
  request('T08', 'body changed after signing', make({ after: { body: '{}' } }), bad),
  request('T09', 'stated hash of another body', make({ headers: { 'x-amz-content-sha256': '0'.repeat(64) } }), bad),
  request('T10', 'unsigned payload', make({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }, sign: { hash: 'UNSIGNED-PAYLOAD' } }), bad),
  request('T11', 'query changed after signing', make({ after: { query: '?a=b' } }), bad),
  request('T12', 'another service', make({ sign: { service: 's3' } }), bad),
  request('T13', 'a region that is no name', make({ sign: { region: 'EU Central' } }), 'IncompleteSignatureException'),
  request('T14', 'day of the scope is another', make({ sign: { day: '20200101' } }), bad),
  ...[-290, 290].map((offset) => request('T15', `clock off by ${offset} s`, { ...get(), raw: { sign: { offset } } })),
  ...[-310, 310].map((offset) => request('T16', `clock off by ${offset} s`, { ...get(), raw: { sign: { offset } } }, bad)),
  request('T18', 'a session token', make({ sign: { token: 'token' } }), 'UnrecognizedClientException'),
  request('T19', 'an unsigned session token', make({ after: { headers: { 'x-amz-security-token': 'token' } } }), bad),
  request('T20', 'host not signed', make({ sign: { leaveOut: ['host'] } }), 'IncompleteSignatureException'),
  request('T21', 'presigned', { ...get(), raw: { sign: { presign: 60 } } }),
  request('T22', 'presigned and over', { ...get(), raw: { sign: { presign: 60, offset: -62 } } }, bad),
  request('T22', 'presigned for creating', make({ sign: { presign: 60 } }), 'IncompleteSignatureException'),
  request('T23', 'double spaces and repeated header lines', make({ headers: { 'x-amz-meta': ['a  b', 'c'] } })),
  request('T25', 'unknown path', plain('GET', '/nope'), 'UnknownOperationException'),
  request('T26', 'PATCH', plain('PATCH', '/meetings'), 'UnknownOperationException'),
  request('T27', 'unknown operation', plain('POST', '/meetings?operation=bogus', { body: '{}' }), 'UnknownOperationException'),
  request('B07', 'unknown operation on attendees', plain('POST', `/meetings/${unknown}/attendees?operation=bogus`, { body: '{}' }), 'UnknownOperationException'),
  request('U12', 'capabilities without operation', plain('PUT', `/meetings/${unknown}/attendees/capabilities`, { body: '{}' }), 'UnknownOperationException'),
  ...['//meetings', '/meetings/../meetings', '/%6Deetings'].map((path) => request('T28', path, plain('POST', path, { body: '{}' }), 'UnknownOperationException')),
  request('T29', 'empty id', plain('GET', '/meetings/'), V),
  { id: 'T29', name: 'empty id from an SDK', via: ['js3', 'boto3', 'cli'], steps: [{ ...get(''), error: V }] },
  { id: 'T30', name: 'an id with slash and space', steps: [{ ...get('not/a guid'), error: V }] },
  ...['not json', '[]', 'null', '{'].map((body) => request('T31', `the body ${body} (T32)`, make({ body }), SE)),
  request('T33', 'a body over 1 MiB', make({ padTo: (1 << 20) + 1 }), 'RequestTooLargeException'),
  request('T33', 'a body of 1 MiB', make({ padTo: 1 << 20 })),
  { id: 'T34', name: 'unknown members', via: 'raw', steps: [{ do: 'CreateMeeting', in: meeting({ Bell: { rings: true }, mediaregion: 5 }) }] },
  { id: 'T35', name: 'null for optional members', via: 'raw', steps: [{ do: 'CreateMeeting', in: meeting({ MeetingHostId: null, Tags: null, TenantIds: null, MeetingFeatures: null, PrimaryMeetingId: null, NotificationsConfiguration: null }) }] },
  ...['application/json; charset=utf-8', 'application/x-amz-json-1.1', null].map((type) => request('T36', `content type ${type}`, make({ headers: { 'content-type': type } }))),
  { id: 'T37', name: 'letters that are not ASCII', steps: [{ do: 'CreateMeeting', in: meeting({ ExternalMeetingId: 'café' }), want: { 'Meeting.ExternalMeetingId': 'café' } }] },
  { id: 'T37', name: 'the same as escapes', via: 'raw', steps: [{ do: 'CreateMeeting', in: meeting({ ExternalMeetingId: 'café' }), raw: { escape: true }, want: { 'Meeting.ExternalMeetingId': 'café' } }] },
  { id: 'E03', name: 'the request id reaches the application', not: ['cli'], steps: [{ ...get(unknown), error: NF, requestId: true }] },
]
