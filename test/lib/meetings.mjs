// The meetings API through the unmodified AWS SDK, as the server of an application uses it: it makes meetings, invites
// people to them, and hands both to its pages.
import { ChimeSDKMeetingsClient, CreateAttendeeCommand, CreateMeetingCommand, DeleteMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings'

export const meetingsClient = (url, { accessKeyId, secretAccessKey }, options) =>
  new ChimeSDKMeetingsClient({ endpoint: url + '/chime', region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey }, ...options })

// plain is what a page gets of an answer: it went there as JSON, and without what the SDK has noted down.
const plain = (answer) => JSON.parse(JSON.stringify({ ...answer, $metadata: undefined }))

export class Meetings {
  #client

  constructor(carillon) {
    this.#client = meetingsClient(carillon.url, carillon.createKey())
  }

  async create(name) {
    return plain(await this.#client.send(new CreateMeetingCommand({ ClientRequestToken: crypto.randomUUID(), MediaRegion: 'eu-central-1', ExternalMeetingId: name })))
  }

  async invite(meeting, name) {
    return plain(await this.#client.send(new CreateAttendeeCommand({ MeetingId: meeting.Meeting.MeetingId, ExternalUserId: name })))
  }

  async delete(meeting) {
    await this.#client.send(new DeleteMeetingCommand({ MeetingId: meeting.Meeting.MeetingId }))
  }
}
