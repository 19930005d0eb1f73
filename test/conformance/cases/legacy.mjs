import { V, attend, create, get, refused, remove, times, unknown } from './values.mjs'

// The older API. What it has in common with the newer one is checked there; these are the differences.
const make = (more = {}) => ({ do: 'CreateMeeting', in: { ClientRequestToken: '$new', ...more }, save: { m: 'Meeting.MeetingId' } })
const list = (more) => ({ do: 'ListMeetings', in: more })
const pair = (n) => times(n, (i) => ({ Key: 'k' + i, Value: 'v' }))
const one = { MeetingId: '$m' }
const ann = { MeetingId: '$m', AttendeeId: '$a' }
const full = 'ResourceLimitExceededException'
const telephone = { ToPhoneNumber: '+12065550100', FromPhoneNumber: '+12065550101', JoinToken: 'token' }

export default [
  { id: 'O01', name: 'a token is enough', steps: [{ ...make(), want: { 'Meeting.MediaRegion': 'us-east-1' } }, { ...get(), want: { 'Meeting.MeetingId': '$m' } }, remove()] },
  { id: 'O02', name: 'attendees', steps: [make(), attend(), { do: 'BatchCreateAttendee', in: { ...one, Attendees: [{ ExternalUserId: 'ben' }] }, want: { 'Attendees.length': 1, Errors: [] } }, { do: 'GetAttendee', in: ann, want: { 'Attendee.JoinToken': '$aToken' } }, { do: 'ListAttendees', in: one, want: { 'Attendees.length': 2 } }, { do: 'DeleteAttendee', in: ann }, refused({ do: 'GetAttendee', in: ann }, 'NotFoundException')] },
  { id: 'O02', name: 'with attendees', steps: [{ do: 'CreateMeetingWithAttendees', in: { ClientRequestToken: '$new', Attendees: [{ ExternalUserId: 'ann' }] }, want: { 'Attendees.length': 1, Errors: [] } }] },
  { id: 'O02', name: 'a character that only the newer API refuses', steps: [make({ ExternalMeetingId: 'a*b' }), attend('a*b')] },
  ...[[10], [11, V]].map(([n, error]) => ({ id: 'O03', name: `${n} attendees`, via: 'raw', steps: [{ do: 'CreateMeetingWithAttendees', in: { ClientRequestToken: '$new', Attendees: times(n, (i) => ({ ExternalUserId: 'user-' + i })) }, error }] })),
  { id: 'O04', name: 'three meetings in pages of two', key: 'lister', steps: [make(), make(), make(), { ...list({ MaxResults: 2 }), want: { 'Meetings.length': 2 }, save: { t: 'NextToken' } }, { ...list({ MaxResults: 2, NextToken: '$t' }), want: { 'Meetings.length': 1, NextToken: null }, forget: true }] },
  ...[[99], [100, V]].map(([MaxResults, error]) => ({ id: 'O05', name: `max-results ${MaxResults}`, via: 'raw', steps: [{ ...list({ MaxResults }), error }] })),
  { id: 'O06', name: 'tags of a meeting', steps: [make(), { do: 'TagMeeting', in: { ...one, Tags: pair(2) } }, { do: 'ListMeetingTags', in: one, want: { Tags: pair(2) } }, { do: 'UntagMeeting', in: { ...one, TagKeys: ['k0'] } }, { do: 'ListMeetingTags', in: one, want: { Tags: [{ Key: 'k1', Value: 'v' }] } }] },
  { id: 'O07', name: '10 tags of an attendee, then one more', steps: [make(), attend(), { do: 'TagAttendee', in: { ...ann, Tags: pair(10) } }, { do: 'TagAttendee', in: { ...ann, Tags: [{ Key: 'more', Value: 'v' }] }, error: full }, { do: 'UntagAttendee', in: { ...ann, TagKeys: times(9, (i) => 'k' + i) } }, { do: 'ListAttendeeTags', in: ann, want: { Tags: [{ Key: 'k9', Value: 'v' }] } }] },
  { id: 'O07', name: '11 tags in one request', via: 'raw', steps: [make(), attend(), { do: 'TagAttendee', in: { ...ann, Tags: pair(11) }, error: V }] },
  { id: 'O08', name: 'tags given with an attendee', steps: [make(), attend('ann', 'a', { Tags: pair(2) }), { do: 'ListAttendeeTags', in: ann, want: { Tags: pair(2) } }] },
  { id: 'O09', name: 'empty tag value', via: 'raw', steps: [make(), { do: 'TagMeeting', in: { ...one, Tags: [{ Key: 'k', Value: '' }] }, error: V }] },
  { id: 'O10', name: '40 calls at once at 10 per second', via: 'raw', key: 'slow', steps: [{ ...make(), save: undefined, parallel: 40, mixed: 'ThrottledClientException' }] },
  { id: 'O11', name: 'no place left', slow: true, steps: [make(), ...times(3, (page) => ({ do: 'BatchCreateAttendee', in: { ...one, Attendees: times(page < 2 ? 100 : 50, (i) => ({ ExternalUserId: `user-${page}-${i}` })) } })), refused(attend(), full)] },
  { id: 'O12', name: 'unknown meeting', steps: [refused(get(unknown), 'NotFoundException')] },
  { id: 'O13', name: 'a call to a telephone', steps: [make(), { do: 'CreateMeetingDialOut', in: { ...one, ...telephone }, error: 'AccessDeniedException' }] },
  { id: 'O14', name: 'the newer API has no list', via: 'raw', service: 'meetings', steps: [{ raw: { method: 'GET', path: '/meetings' }, error: 'UnknownOperationException' }] },
  { id: 'O15', name: 'made here, read by the newer API', steps: [make(), { ...get(), service: 'meetings', want: { 'Meeting.MeetingId': '$m' } }] },
  { id: 'O16', name: 'tags of an unknown meeting', steps: [{ do: 'ListTagsForResource', in: { ResourceARN: `arn:aws:chime:us-east-1:000000000000:meeting/${unknown}` }, error: 'NotFoundException' }] },
  { id: 'O17', name: 'tags by name', steps: [{ ...create(), save: { m: 'Meeting.MeetingId' } }, { do: 'TagResource', in: { ResourceARN: 'arn:aws:chime:us-east-1:000000000000:meeting/$m', Tags: pair(1) } }, { do: 'UntagResource', in: { ResourceARN: 'arn:aws:chime::000000000000:meeting/$m', TagKeys: ['k0'] } }] },
  { id: 'O18', name: 'transcription', steps: [make(), { do: 'StartMeetingTranscription', in: { ...one, TranscriptionConfiguration: { EngineTranscribeSettings: { LanguageCode: 'en-US' } } }, error: 'UnprocessableEntityException' }, { do: 'StopMeetingTranscription', in: one }] },
]
