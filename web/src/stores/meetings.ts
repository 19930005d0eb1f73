import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import { asApiError, type ApiError } from '@/api/errors'
import { LiveConnection, type LiveState } from '@/api/live'
import { listMeetings, type Meeting } from '@/api/meetings'
import { OnCreateMeetingDocument, OnDeleteMeetingDocument, OnUpdateMeetingDocument } from '@/api/operations'

/**
 * The list of meetings, kept true by subscriptions while somebody watches. The order of events and
 * of the reload is not known, so applying either twice must be harmless.
 */
export const useMeetings = defineStore('meetings', () => {
  const meetings = shallowRef<readonly Meeting[]>([])
  const loaded = ref(false)
  const error = shallowRef<ApiError>()
  const liveState = ref<LiveState>('connecting')

  /** Ids deleted since the last reload began: its answer may still hold them. */
  let deleted = new Set<string>()
  /** Meetings created or changed since the last reload began: its answer may be older. */
  let changed = new Map<string, Meeting>()
  let reloads = 0

  async function reload(): Promise<void> {
    const turn = ++reloads
    deleted = new Set()
    changed = new Map()
    try {
      const answer = await listMeetings()
      if (turn !== reloads) return
      const byId = new Map(answer.map((meeting) => [meeting.id, meeting]))
      for (const [id, meeting] of changed) byId.set(id, newer(byId.get(id), meeting))
      for (const id of deleted) byId.delete(id)
      meetings.value = sorted([...byId.values()])
      loaded.value = true
      error.value = undefined
    } catch (cause) {
      if (turn === reloads) error.value = asApiError(cause)
    }
  }

  function put(meeting: Meeting): void {
    if (deleted.has(meeting.id)) return
    changed.set(meeting.id, newer(changed.get(meeting.id), meeting))
    const others = meetings.value.filter(({ id }) => id !== meeting.id)
    const known = meetings.value.find(({ id }) => id === meeting.id)
    meetings.value = sorted([...others, newer(known, meeting)])
  }

  function remove(id: string): void {
    deleted.add(id)
    changed.delete(id)
    meetings.value = meetings.value.filter((meeting) => meeting.id !== id)
  }

  /** Starts the subscriptions and the first load. The caller must call what it returns when it is done. */
  function watch(): () => void {
    const live = new LiveConnection((state) => {
      liveState.value = state
      // Whatever happened without a connection is read now.
      if (state === 'live') void reload()
    })
    live.subscribe(OnCreateMeetingDocument, ({ onCreateMeeting: meeting }) => meeting && put(meeting))
    live.subscribe(OnUpdateMeetingDocument, ({ onUpdateMeeting: meeting }) => meeting && put(meeting))
    live.subscribe(OnDeleteMeetingDocument, ({ onDeleteMeeting: meeting }) => meeting && remove(meeting.id))
    // Not after the connection only: the list also shows where WebSockets are blocked.
    void reload()
    return () => live.close()
  }

  function clear(): void {
    reloads++
    meetings.value = []
    loaded.value = false
    error.value = undefined
  }

  return { meetings, loaded, error, liveState, reload, put, remove, watch, clear }
})

/** Of two states of the same meeting the later one; of equally old ones the second. */
function newer(known: Meeting | undefined, next: Meeting): Meeting {
  return known?.updatedAt && next.updatedAt && known.updatedAt > next.updatedAt ? known : next
}

function sorted(meetings: Meeting[]): Meeting[] {
  return meetings.sort((a, b) => b.createdAt.localeCompare(a.createdAt) || a.id.localeCompare(b.id))
}
