import { ApiError } from './errors'
import type { ListMeetingsQuery, MeetingFieldsFragment } from './generated/graphql'
import { execute } from './graphql'
import {
  CreateMeetingDocument,
  DeleteMeetingDocument,
  GetMeetingDocument,
  JoinMeetingDocument,
  ListMeetingsDocument,
  UpdateMeetingDocument,
} from './operations'

/** A listed meeting: the row a person owns, not the call behind it. */
export type Meeting = MeetingFieldsFragment

export interface MeetingInput {
  title: string
  description: string
}

/** The limits of the server, so that forms can tell before sending. In characters (code points). */
export const titleLimit = 500
export const descriptionLimit = 5000

const pageSize = 500

/** Reads all pages, newest first. */
export async function listMeetings(): Promise<Meeting[]> {
  const meetings: Meeting[] = []
  let nextToken: string | null = null
  do {
    const page: ListMeetingsQuery['listMeetings'] = (await execute(ListMeetingsDocument, { limit: pageSize, nextToken })).listMeetings
    for (const meeting of page?.items ?? []) if (meeting) meetings.push(meeting)
    nextToken = page?.nextToken ?? null
  } while (nextToken)
  return meetings
}

/** Undefined when there is no such meeting (any more). */
export async function getMeeting(id: string): Promise<Meeting | undefined> {
  try {
    return (await execute(GetMeetingDocument, { id })).getMeeting ?? undefined
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

export async function createMeeting(input: MeetingInput): Promise<Meeting> {
  return present((await execute(CreateMeetingDocument, { input })).createMeeting)
}

export async function updateMeeting(id: string, input: MeetingInput): Promise<Meeting> {
  return present((await execute(UpdateMeetingDocument, { input: { id, ...input } })).updateMeeting)
}

export async function deleteMeeting(id: string): Promise<void> {
  await execute(DeleteMeetingDocument, { input: { id } })
}

/** What the conferencing SDK's session configuration is made of. */
export interface JoinInfo {
  meeting: Record<string, unknown>
  attendee: Record<string, unknown>
}

/** Opens the meeting's conference if needed and returns this person's place in it. */
export async function joinMeeting(id: string, name: string): Promise<JoinInfo> {
  return (await execute(JoinMeetingDocument, { id, name })).joinMeeting
}

function present<T>(value: T | null | undefined): T {
  if (value == null) throw new ApiError('INTERNAL', 'the answer holds no meeting')
  return value
}
