// Values that the cases share. In a case "$name" stands for a value saved by an earlier step of the case, and
// "$new" for one that is not like any before.
export const V = 'ValidationException' // a constraint of the model is broken
export const BR = 'BadRequestException'
export const NF = 'NotFoundException'
export const RNF = 'ResourceNotFoundException'
export const FULL = 'LimitExceededException'
export const SE = 'SerializationException'
export const unknown = '00000000-0000-4000-8000-000000000000'
export const all = { Audio: 'SendReceive', Video: 'SendReceive', Content: 'SendReceive' }
export const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
export const times = (n, f) => Array.from({ length: n }, (_, i) => f(i))

// meeting is the input of CreateMeeting with some members replaced; undefined leaves one out.
export const meeting = (more = {}) => ({ ClientRequestToken: '$new', MediaRegion: 'eu-central-1', ExternalMeetingId: 'standup', ...more })
// create is the step that most cases begin with.
export const create = (more, name = 'm') => ({ do: 'CreateMeeting', in: meeting(more), save: { [name]: 'Meeting.MeetingId', [name + 'Arn']: 'Meeting.MeetingArn' } })
export const attend = (user = 'ann', name = 'a', more = {}, m = '$m') => ({ do: 'CreateAttendee', in: { MeetingId: m, ExternalUserId: user, ...more }, save: { [name]: 'Attendee.AttendeeId', [name + 'Token']: 'Attendee.JoinToken' } })
export const get = (m = '$m') => ({ do: 'GetMeeting', in: { MeetingId: m } })
export const remove = (m = '$m') => ({ do: 'DeleteMeeting', in: { MeetingId: m } })
// refused is a step that has to fail with this name.
export const refused = (step, error) => ({ ...step, save: undefined, error })
