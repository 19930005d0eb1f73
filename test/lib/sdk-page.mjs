// What a person does in the page with the unmodified amazon-chime-sdk-js (test/interop/page), and what is found there.
import { until } from './until.mjs'

// call calls a method of the page.
export const call = (person, method, ...args) => person.page.evaluate(([m, a]) => window.call[m](...a), [method, args])

// log is what the SDK has told the page.
export const log = (person) => person.page.evaluate(() => window.call.log)

// join takes what Meetings made, the meeting and the invitation to it. The person has started some time later.
export async function join(person, meeting, invitation, options) {
  person.attendee = invitation.Attendee.AttendeeId
  await call(person, 'join', meeting, invitation, options)
}

export const started = (person, deadline = 20_000) => until(`${person.name} started`, deadline, async () => (await log(person)).includes('started'))

export const videoOf = (other) => `video[data-attendee="${other.attendee}"][data-self="false"]`
