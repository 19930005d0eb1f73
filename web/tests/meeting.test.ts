import { MeetingSessionStatus, MeetingSessionStatusCode, VideoTileState } from 'amazon-chime-sdk-js'
import { describe, expect, it } from 'vitest'
import { backoff } from '@/meeting/backoff'
import { captureProblem } from '@/meeting/captureproblem'
import { bestLayout } from '@/meeting/layout'
import { stopCause } from '@/meeting/stopcause'
import { videoTile } from '@/meeting/videotile'

describe('why a call stopped', () => {
  it.each([
    [MeetingSessionStatusCode.Left, 'left'],
    [MeetingSessionStatusCode.MeetingEnded, 'ended'],
    [MeetingSessionStatusCode.AudioJoinedFromAnotherDevice, 'elsewhere'],
    [MeetingSessionStatusCode.AudioAttendeeRemoved, 'removed'],
    [MeetingSessionStatusCode.AudioCallAtCapacity, 'full'],
    [MeetingSessionStatusCode.AudioAuthenticationRejected, 'rejected'],
    [MeetingSessionStatusCode.SignalingBadRequest, 'lost'],
    [MeetingSessionStatusCode.TaskFailed, 'lost'],
  ] as const)('%i is %s', (code, cause) => {
    expect(stopCause(code)).toBe(cause)
  })

  it('every failure of the connection leads to another try', () => {
    const codes = Object.values(MeetingSessionStatusCode).filter((code) => typeof code === 'number')
    const failures = codes.filter((code) => {
      const status = new MeetingSessionStatus(code)
      return status.isFailure() && !status.isTerminal()
    })
    expect(failures.length).toBeGreaterThan(5)
    for (const code of failures) expect(stopCause(code)).toBe('lost')
  })
})

describe('backoff', () => {
  it('begins at once, grows and stays below its limit', () => {
    expect(backoff(0, () => 1)).toBe(0)
    expect([1, 2, 3, 4, 5, 50].map((attempt) => backoff(attempt, () => 1))).toEqual([1000, 2000, 4000, 5000, 5000, 5000])
    expect(backoff(1, () => 0)).toBe(200)
  })
})

describe('layout', () => {
  it.each([
    [1, 1280, 720, 1],
    [2, 1280, 720, 2],
    [3, 1280, 720, 2],
    [4, 1280, 720, 2],
    [9, 1280, 720, 3],
    [2, 390, 700, 1],
    [4, 390, 700, 1],
    [6, 390, 700, 2],
  ])('%i tiles in %i×%i take %i columns', (count, width, height, columns) => {
    expect(bestLayout(count, width, height, 10).columns).toBe(columns)
  })

  it('fits the space', () => {
    for (let count = 1; count <= 25; count++) {
      const { columns, width, height } = bestLayout(count, 1200, 800, 10)
      const rows = Math.ceil(count / columns)
      expect(columns * width + (columns - 1) * 10).toBeLessThanOrEqual(1200)
      expect(rows * height + (rows - 1) * 10).toBeLessThanOrEqual(800)
      expect(width).toBeGreaterThan(0)
    }
  })

  it('scrolls instead of making tiles too small to see', () => {
    expect(bestLayout(100, 390, 600, 10)).toMatchObject({ columns: 2, width: 190 })
    expect(bestLayout(3, 0, 0, 10).width).toBe(0)
  })
})

describe('capture problem', () => {
  const named = (name: string, message = '') => Object.assign(new Error(message), { name })

  it.each([
    [named('NotAllowedError', 'Permission denied'), 'denied'],
    [named('NotAllowedError', 'Permission denied by system'), 'blocked-by-system'],
    [named('NotFoundError'), 'missing'],
    [named('OverconstrainedError'), 'missing'],
    [named('NotReadableError'), 'in-use'],
    [named('TypeError'), 'unknown'],
    [Object.assign(named('GetUserMediaError'), { cause: named('NotReadableError') }), 'in-use'],
    [named('PermissionDeniedError'), 'denied'],
    [undefined, 'unknown'],
    ['text', 'unknown'],
  ])('%s is %s', (error, problem) => {
    expect(captureProblem(error)).toBe(problem)
  })
})

describe('video tile', () => {
  function state(change: Partial<VideoTileState>) {
    // Observers get clones, which lack some of the original.
    return Object.assign(new VideoTileState(), { tileId: 1, boundAttendeeId: 'ann' }, change).clone()
  }

  it('has a picture as soon as there is a stream, bound to an element or not', () => {
    const picture = { boundVideoStream: {} as MediaStream, videoStreamContentWidth: 640, videoStreamContentHeight: 360 }
    const shown = { tileId: 1, attendeeId: 'ann', active: true, width: 640, height: 360, held: false, stalled: false }
    expect(videoTile(state(picture))).toEqual(shown)
    expect(videoTile(state({ ...picture, poorConnection: true }))).toEqual({ ...shown, stalled: true })
    expect(videoTile(state({ ...picture, localTile: true, localTileStarted: true }))).toEqual(shown)
  })

  it('has none when the camera is off', () => {
    expect(videoTile(state({ boundVideoStream: null }))?.active).toBe(false)
  })

  it('is nobody’s before an attendee is bound', () => {
    expect(videoTile(state({ boundAttendeeId: null }))).toBeUndefined()
    expect(videoTile(state({ boundAttendeeId: '' }))).toBeUndefined()
    expect(videoTile(state({ tileId: null }))).toBeUndefined()
  })
})
