// The operations of the two versions of the API as the wire sees them, for raw requests and for the report.
// Labels are in braces; what is in `query` is taken out of the input, the rest of the input is the body.
const both = {
  CreateMeeting: ['POST', '/meetings', 200],
  CreateMeetingWithAttendees: ['POST', '/meetings?operation=create-attendees', 200],
  GetMeeting: ['GET', '/meetings/{MeetingId}', 200],
  DeleteMeeting: ['DELETE', '/meetings/{MeetingId}', 204],
  CreateAttendee: ['POST', '/meetings/{MeetingId}/attendees', 200],
  BatchCreateAttendee: ['POST', '/meetings/{MeetingId}/attendees?operation=batch-create', 200],
  GetAttendee: ['GET', '/meetings/{MeetingId}/attendees/{AttendeeId}', 200],
  ListAttendees: ['GET', '/meetings/{MeetingId}/attendees', 200],
  DeleteAttendee: ['DELETE', '/meetings/{MeetingId}/attendees/{AttendeeId}', 204],
  StartMeetingTranscription: ['POST', '/meetings/{MeetingId}/transcription?operation=start', 200],
  StopMeetingTranscription: ['POST', '/meetings/{MeetingId}/transcription?operation=stop', 200],
  TagResource: ['POST', '/tags?operation=tag-resource', 204],
  UntagResource: ['POST', '/tags?operation=untag-resource', 204],
  ListTagsForResource: ['GET', '/tags', 200],
}

export const operations = {
  meetings: {
    ...both,
    UpdateAttendeeCapabilities: ['PUT', '/meetings/{MeetingId}/attendees/{AttendeeId}/capabilities', 200],
    BatchUpdateAttendeeCapabilitiesExcept: ['PUT', '/meetings/{MeetingId}/attendees/capabilities?operation=batch-update-except', 200],
  },
  legacy: {
    ...both,
    CreateMeeting: ['POST', '/meetings', 201],
    CreateMeetingWithAttendees: ['POST', '/meetings?operation=create-attendees', 201],
    CreateAttendee: ['POST', '/meetings/{MeetingId}/attendees', 201],
    BatchCreateAttendee: ['POST', '/meetings/{MeetingId}/attendees?operation=batch-create', 201],
    ListMeetings: ['GET', '/meetings', 200],
    TagMeeting: ['POST', '/meetings/{MeetingId}/tags?operation=add', 204],
    UntagMeeting: ['POST', '/meetings/{MeetingId}/tags?operation=delete', 204],
    ListMeetingTags: ['GET', '/meetings/{MeetingId}/tags', 200],
    TagAttendee: ['POST', '/meetings/{MeetingId}/attendees/{AttendeeId}/tags?operation=add', 204],
    UntagAttendee: ['POST', '/meetings/{MeetingId}/attendees/{AttendeeId}/tags?operation=delete', 204],
    ListAttendeeTags: ['GET', '/meetings/{MeetingId}/attendees/{AttendeeId}/tags', 200],
    CreateMeetingDialOut: ['POST', '/meetings/{MeetingId}/dial-outs', 201],
  },
}

const queryMembers = { NextToken: 'next-token', MaxResults: 'max-results' }
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase())

// wire makes the request of an operation: method, path with query, and body ('' = none).
export function wire(service, op, input) {
  const [method, template] = operations[service][op]
  const left = { ...input }
  let path = template.replace(/\{(\w+)\}/g, (_, label) => {
    const value = encode(left[label])
    delete left[label]
    return value
  })
  const query = []
  for (const [member, name] of Object.entries(op === 'ListTagsForResource' ? { ResourceARN: 'arn' } : method === 'GET' ? queryMembers : {})) {
    if (left[member] !== undefined) query.push(name + '=' + encode(String(left[member])))
    delete left[member]
  }
  if (query.length) path += '?' + query.sort().join('&')
  const empty = method === 'GET' || method === 'DELETE' || op === 'StopMeetingTranscription'
  return { method, path, body: empty ? '' : JSON.stringify(left) }
}
