import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/api/errors'
import type { Meeting } from '@/api/meetings'
import { useMeetings } from '@/stores/meetings'

const { listMeetings } = vi.hoisted(() => ({ listMeetings: vi.fn<() => Promise<Meeting[]>>() }))
vi.mock('@/api/meetings', () => ({ listMeetings }))

/** The connection of the subscriptions, driven by the test. */
const live = vi.hoisted(() => ({
  onState: (() => {}) as (state: string) => void,
  handlers: [] as ((result: Record<string, unknown>) => void)[],
  closed: 0,
}))
vi.mock('@/api/live', () => ({
  LiveConnection: class {
    constructor(onState: (state: string) => void) {
      live.onState = onState
      live.handlers = []
    }
    subscribe(_document: unknown, onResult: (result: Record<string, unknown>) => void) {
      live.handlers.push(onResult)
    }
    close() {
      live.closed++
    }
  },
}))

function meeting(id: string, createdAt: string, change: Partial<Meeting> = {}): Meeting {
  return { id, meetingId: '', title: id, description: null, createdAt, updatedAt: createdAt, owner: 'o', ...change }
}

const event = (name: string, payload: unknown) => {
  for (const handle of live.handlers) handle({ [name]: payload })
}

const older = meeting('older', '2026-01-01T10:00:00.000Z')
const newer = meeting('newer', '2026-01-02T10:00:00.000Z')
const titles = () => useMeetings().meetings.map(({ title }) => title)

beforeEach(() => {
  setActivePinia(createPinia())
  listMeetings.mockReset().mockResolvedValue([older, newer])
})

describe('meetings', () => {
  it('shows the newest first and follows creation, change and deletion', async () => {
    const store = useMeetings()
    const stop = store.watch()
    await vi.waitFor(() => expect(store.loaded).toBe(true))
    expect(titles()).toEqual(['newer', 'older'])

    event('onCreateMeeting', meeting('newest', '2026-01-03T10:00:00.000Z'))
    expect(titles()).toEqual(['newest', 'newer', 'older'])
    event('onUpdateMeeting', { ...older, title: 'renamed', updatedAt: '2026-01-04T10:00:00.000Z' })
    expect(titles()).toEqual(['newest', 'newer', 'renamed'])
    event('onDeleteMeeting', newer)
    expect(titles()).toEqual(['newest', 'renamed'])
    stop()
    expect(live.closed).toBe(1)
  })

  it('the same event twice changes nothing', async () => {
    const store = useMeetings()
    await store.reload()
    store.put(newer)
    store.put(newer)
    expect(titles()).toEqual(['newer', 'older'])
  })

  it('an older state does not replace a newer one', async () => {
    const store = useMeetings()
    await store.reload()
    store.put({ ...older, title: 'second', updatedAt: '2026-01-05T10:00:02.000Z' })
    store.put({ ...older, title: 'first', updatedAt: '2026-01-05T10:00:01.000Z' })
    expect(titles()).toEqual(['newer', 'second'])
  })

  it('a reload does not bring back what was deleted, nor lose what was created, meanwhile', async () => {
    const store = useMeetings()
    let answer: (meetings: Meeting[]) => void = () => {}
    listMeetings.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)))
    const reloading = store.reload()
    store.remove('older')
    store.put(meeting('created', '2026-01-06T10:00:00.000Z'))
    answer([newer, older])
    await reloading
    expect(titles()).toEqual(['created', 'newer'])
  })

  it('reads everything again when the connection is back', async () => {
    const store = useMeetings()
    store.watch()
    await vi.waitFor(() => expect(store.loaded).toBe(true))
    listMeetings.mockResolvedValue([newer])
    live.onState('lost')
    expect(store.liveState).toBe('lost')
    live.onState('live')
    await vi.waitFor(() => expect(titles()).toEqual(['newer']))
  })

  it('keeps the list when a reload fails, and says so', async () => {
    const store = useMeetings()
    await store.reload()
    listMeetings.mockRejectedValueOnce(new ApiError('NETWORK', 'away'))
    await store.reload()
    expect(titles()).toEqual(['newer', 'older'])
    expect(store.error?.code).toBe('NETWORK')
  })
})
