import { BR, FULL, NF, SE, V, all, attend, create, get, guid, refused, remove, times, unknown } from './values.mjs'

const raw = (id, name, more, error, m) => ({ id, name, via: 'raw', steps: [create(m), { do: 'CreateAttendee', in: { MeetingId: '$m', ExternalUserId: 'ann', ...more }, error }] })
const batch = (users) => ({ do: 'BatchCreateAttendee', in: { MeetingId: '$m', Attendees: users.map((ExternalUserId) => ({ ExternalUserId })) } })
const one = (op) => ({ do: op, in: { MeetingId: '$m', AttendeeId: '$a' } })
const fill = (n, from = 0) => Array.from({ length: Math.ceil(n / 100) }, (_, page) => batch(times(Math.min(100, n - 100 * page), (i) => `user-${from + 100 * page + i}`)))
const none = (kind) => ({ MeetingFeatures: Object.fromEntries(kind.map((k) => [k, { MaxResolution: 'None' }])) })
const list = (more) => ({ do: 'ListAttendees', in: { MeetingId: '$m', ...more } })
const update = (Capabilities, a = '$a') => ({ do: 'UpdateAttendeeCapabilities', in: { MeetingId: '$m', AttendeeId: a, Capabilities } })
const except = (ids, Capabilities) => ({ do: 'BatchUpdateAttendeeCapabilitiesExcept', in: { MeetingId: '$m', ExcludedAttendeeIds: ids.map((AttendeeId) => ({ AttendeeId })), Capabilities } })
const broken = { Audio: 'None', Video: 'None', Content: 'Receive' } // content is seen only with video
const quiet = { Audio: 'Receive', Video: 'Receive', Content: 'None' }
const kinds = ['SendReceive', 'Send', 'Receive', 'None']

export default [
  { id: 'A01', name: 'minimal', steps: [create(), { ...attend(), want: { 'Attendee.AttendeeId': guid, 'Attendee.ExternalUserId': 'ann', 'Attendee.JoinToken': /^[A-Za-z0-9]{2,2048}$/, 'Attendee.Capabilities': all } }] },
  { id: 'A02', name: 'same user again', steps: [create(), attend(), { ...attend(), save: undefined, want: { 'Attendee.AttendeeId': '$a', 'Attendee.JoinToken': '$aToken' } }] },
  { id: 'A03', name: 'same user in another meeting', steps: [create(), attend(), create({}, 'n'), { ...attend('ann', 'b', {}, '$n'), differs: { 'Attendee.AttendeeId': '$a' } }] },
  ...[[1, V], [2], [64], [65, V]].map(([n, error]) => raw('A04', `user of ${n}`, { ExternalUserId: 'u'.repeat(n) }, error)),
  raw('A05', 'user missing', { ExternalUserId: undefined }, V),
  { id: 'A06', name: 'reserved user', steps: [create(), ...['aws:x', 'Aws:x'].map((user) => refused(attend(user), BR))] },
  raw('A07', 'user with a star', { ExternalUserId: 'a*b' }, V),
  { id: 'A08', name: 'unknown and ended meeting', steps: [refused(attend('ann', 'a', {}, unknown), NF), create(), remove(), refused(attend(), NF)] },
  { id: 'A09', name: 'attendee 251, and again after a deletion (A10)', slow: true, steps: [create(), ...fill(250), refused(attend(), FULL), { ...list({ MaxResults: 1 }), save: { a: 'Attendees.0.AttendeeId' } }, one('DeleteAttendee'), attend()] },
  { id: 'A11', name: 'fourth of three', not: ['boto3', 'cli'], steps: [create({ MeetingFeatures: { Attendee: { MaxCount: 3 } } }), ...['ann', 'ben', 'eve'].map((user) => attend(user)), refused(attend('dan'), FULL)] },
  raw('A12', 'capabilities without content', { Capabilities: { Audio: 'None', Video: 'None' } }, V),
  raw('A13', 'capability in lower case', { Capabilities: { ...all, Video: 'sendreceive' } }, V),
  ...kinds.flatMap((Video) => kinds.map((Content) => raw('A14', `video ${Video}, content ${Content}`, { Capabilities: { Audio: 'None', Video, Content } },
    /Receive/.test(Content) && !/Receive/.test(Video) ? BR : undefined))),
  raw('A15', 'no cameras, yet video Receive', { Capabilities: { ...all, Video: 'Receive', Content: 'None' } }, BR, none(['Video'])),
  raw('A15', 'no cameras, content Send', { Capabilities: { Audio: 'None', Video: 'None', Content: 'Send' } }, undefined, none(['Video'])),
  raw('A16', 'no content, yet content Send', { Capabilities: { ...all, Content: 'Send' } }, BR, none(['Content'])),
  { id: 'A17', name: 'no cameras, nothing given', not: ['boto3', 'cli'], steps: [create(none(['Video'])), { ...attend(), want: { 'Attendee.Capabilities': { ...all, Video: 'Receive' } } }] },
  { id: 'A18', name: 'neither, nothing given', not: ['boto3', 'cli'], steps: [create(none(['Video', 'Content'])), { ...attend(), want: { 'Attendee.Capabilities': { Audio: 'SendReceive', Video: 'None', Content: 'None' } } }] },
  { id: 'A19', name: 'get what was created', steps: [create(), { ...attend(), keep: 'made' }, { ...one('GetAttendee'), equal: 'made' }] },
  { id: 'A20', name: 'unknown attendee, and one of another meeting', steps: [create(), attend(), create({}, 'm'), refused(one('GetAttendee'), NF), refused({ do: 'GetAttendee', in: { MeetingId: '$m', AttendeeId: unknown } }, NF)] },
  { id: 'A20', name: 'malformed attendee', via: 'raw', steps: [create(), refused({ do: 'GetAttendee', in: { MeetingId: '$m', AttendeeId: 'nonsense' } }, V)] },
  { id: 'A21', name: 'delete, twice (A22), and make again (A23)', steps: [create(), attend(), one('DeleteAttendee'), refused(one('GetAttendee'), NF), refused(one('DeleteAttendee'), NF), { ...attend('ann', 'b'), differs: { 'Attendee.JoinToken': '$aToken' } }] },

  { id: 'B01', name: 'batch of 1 and 100', slow: true, steps: [create(), { ...batch(['ann']), want: { 'Attendees.length': 1, Errors: [] } }, { ...fill(100)[0], want: { 'Attendees.length': 100, Errors: [] } }] },
  ...[[0, []], [101, times(101, (i) => ({ ExternalUserId: 'user-' + i }))], ['no', undefined]].map(([n, Attendees]) => ({ id: 'B02', name: `batch of ${n}`, via: 'raw', steps: [create(), { do: 'BatchCreateAttendee', in: { MeetingId: '$m', Attendees }, error: V }] })),
  { id: 'B03', name: 'good and reserved users', steps: [create(), { ...batch(['ann', 'aws:bot', 'b*d']), want: { 'Attendees.length': 1, 'Errors.length': 2 } }] },
  { id: 'B04', name: '20 for 10 places', slow: true, steps: [create(), ...fill(240), { ...fill(20, 500)[0], want: { 'Attendees.length': 10, 'Errors.length': 10, 'Errors.0.ErrorCode': 'ResourceLimitExceeded' } }] },
  { id: 'B05', name: 'users who are there', steps: [create(), attend(), { ...batch(['ann', 'ben']), want: { 'Attendees.0.AttendeeId': '$a', 'Attendees.length': 2 } }] },
  { id: 'B06', name: 'unknown meeting', steps: [{ do: 'BatchCreateAttendee', in: { MeetingId: unknown, Attendees: [{ ExternalUserId: 'ann' }] }, error: NF }] },

  { id: 'L01', name: 'nobody', steps: [create(), { ...list(), want: { Attendees: [], NextToken: null } }] },
  { id: 'L02', name: '250 in pages of 100 (L03)', slow: true, steps: [create(), ...fill(250),
    { ...list({ MaxResults: 100 }), want: { 'Attendees.length': 100 }, save: { t1: 'NextToken', first: 'Attendees.0.AttendeeId' } },
    { ...list({ MaxResults: 100, NextToken: '$t1' }), want: { 'Attendees.length': 100 }, differs: { 'Attendees.0.AttendeeId': '$first' }, save: { t2: 'NextToken' } },
    { ...list({ MaxResults: 100, NextToken: '$t2' }), want: { 'Attendees.length': 50, NextToken: null } }] },
  ...[[0, V], [1], [100], [101, V], ['abc', SE], ['', SE]].map(([MaxResults, error]) => ({ id: 'L04', name: `max-results "${MaxResults}" (L05)`, via: 'raw', steps: [create(), { ...list({ MaxResults }), error }] })),
  { id: 'L06', name: 'tokens of no list, and of another', steps: [create(), attend(), attend('ben', 'b'), { ...list({ MaxResults: 1 }), save: { t: 'NextToken' } }, { ...list({ NextToken: 'garbage' }), error: BR }, { ...list({ NextToken: 'a b+/=&' }), error: BR }, create({}, 'm'), { ...list({ NextToken: '$t' }), error: BR }] },
  { id: 'L08', name: 'deleted between pages', steps: [create(), attend(), attend('ben', 'b'), { ...list({ MaxResults: 1 }), save: { t: 'NextToken', a: 'Attendees.0.AttendeeId' } }, one('DeleteAttendee'), { ...list({ MaxResults: 1, NextToken: '$t' }), want: { 'Attendees.length': 1, NextToken: null } }] },
  { id: 'L09', name: 'unknown meeting', steps: [{ do: 'ListAttendees', in: { MeetingId: unknown }, error: NF }] },

  { id: 'U01', name: 'change, and the same again (U06)', steps: [create(), attend(), ...times(2, () => ({ ...update(quiet), want: { 'Attendee.AttendeeId': '$a', 'Attendee.JoinToken': '$aToken', 'Attendee.Capabilities': quiet } })), { ...one('GetAttendee'), want: { 'Attendee.Capabilities': quiet } }] },
  { id: 'U02', name: 'unknown attendee and meeting', steps: [create(), { ...update(all, unknown), error: NF }, { do: 'UpdateAttendeeCapabilities', in: { MeetingId: unknown, AttendeeId: unknown, Capabilities: all }, error: NF }] },
  { id: 'U03', name: 'without capabilities', via: 'raw', steps: [create(), attend(), { ...update(undefined), error: V }] },
  { id: 'U04', name: 'capabilities that exclude each other', steps: [create(), attend(), { ...update(broken), error: BR }, { ...one('GetAttendee'), want: { 'Attendee.Capabilities': all } }] },
  { id: 'U05', name: 'against the features', via: 'raw', steps: [create(none(['Video'])), attend(), { ...update({ ...all, Content: 'None' }), error: BR }] },
  { id: 'U07', name: 'all but one of three', steps: [create(), attend(), attend('ben', 'b'), attend('eve', 'c'), except(['$b'], quiet), ...[['$a', quiet], ['$b', all], ['$c', quiet]].map(([AttendeeId, want]) => ({ do: 'GetAttendee', in: { MeetingId: '$m', AttendeeId }, want: { 'Attendee.Capabilities': want } }))] },
  { id: 'U08', name: 'all but somebody unknown', steps: [create(), attend(), except([unknown], quiet), { ...one('GetAttendee'), want: { 'Attendee.Capabilities': quiet } }] },
  ...[['none', []], ['251', times(251, () => unknown)], ['one without id', [undefined]], ['one that is no id', ['x']]].map(([name, ids]) => ({ id: 'U09', name: 'excluded: ' + name, via: 'raw', steps: [create(), { ...except(ids, all), error: V }] })),
  { id: 'U10', name: 'all, capabilities that exclude each other', steps: [create(), attend(), { ...except([unknown], broken), error: BR }, { ...one('GetAttendee'), want: { 'Attendee.Capabilities': all } }] },
  { id: 'U11', name: 'all of an unknown meeting', steps: [{ do: 'BatchUpdateAttendeeCapabilitiesExcept', in: { MeetingId: unknown, ExcludedAttendeeIds: [{ AttendeeId: unknown }], Capabilities: all }, error: NF }] },
]
