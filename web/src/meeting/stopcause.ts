import { MeetingSessionStatusCode } from 'amazon-chime-sdk-js'
import type { StopCause } from './call'

/** Translates the SDK's final status. Everything that is not named is a failed connection. */
export function stopCause(code: MeetingSessionStatusCode): StopCause {
  switch (code) {
    case MeetingSessionStatusCode.Left:
      return 'left'
    case MeetingSessionStatusCode.MeetingEnded:
      return 'ended'
    case MeetingSessionStatusCode.AudioJoinedFromAnotherDevice:
      return 'elsewhere'
    case MeetingSessionStatusCode.AudioAttendeeRemoved:
      return 'removed'
    case MeetingSessionStatusCode.AudioCallAtCapacity:
    case MeetingSessionStatusCode.VideoCallAtSourceCapacity:
      return 'full'
    case MeetingSessionStatusCode.AudioAuthenticationRejected:
    case MeetingSessionStatusCode.TURNCredentialsForbidden:
      return 'rejected'
    default:
      return 'lost'
  }
}
