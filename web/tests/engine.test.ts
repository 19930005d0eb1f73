import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError, type ErrorCode } from '@/api/errors'
import type { JoinInfo } from '@/api/meetings'
import type { StopCause } from '@/meeting/call'
import { settle, setUp } from './fakecall'

const permissionDenied = Object.assign(new Error('Permission denied'), { name: 'NotAllowedError' })
const deviceGone = Object.assign(new Error('gone'), { name: 'OverconstrainedError' })

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('joining', () => {
  it('is muted until the microphone is open, and starts after it', async () => {
    const { engine, last, now } = setUp()
    engine.join()
    expect(now().phase).toBe('joining')
    await settle()
    expect(last().log).toEqual(['mute', 'microphone mic1', 'unmute', 'start'])
    last().observer.connected()
    expect(now().phase).toBe('connected')
    expect(now().microphoneOn).toBe(true)
  })

  it('does not open a microphone that is switched off', async () => {
    const { connect, last, now } = setUp({ choices: { microphoneOn: false } })
    await connect()
    expect(last().log).toEqual(['mute', 'start'])
    expect(now().microphoneOn).toBe(false)
    expect(now().participants).toMatchObject([{ attendeeId: 'me', name: 'Ann', self: true, muted: true }])
  })

  it('opens the camera once connected', async () => {
    const { connect, last, now } = setUp({ choices: { cameraOn: true, microphoneOn: false } })
    await connect()
    expect(last().log).toEqual(['mute', 'start', 'camera cam1'])
    expect(now().cameraOn).toBe(true)
  })

  it('gets in without a microphone that may not be used, and says so', async () => {
    const { connect, now, last } = setUp({ prepare: (call) => (call.microphoneError = permissionDenied) })
    await connect()
    expect(last().log).toContain('start')
    expect(now()).toMatchObject({ phase: 'connected', microphoneOn: false, notice: { kind: 'microphone', problem: 'denied' } })
  })

  it('does not wait for ever for an unanswered permission question', async () => {
    let answer = () => {}
    const gate = new Promise<void>((resolve) => (answer = resolve))
    const { engine, last, now } = setUp({ prepare: (call) => (call.microphoneGate = gate) })
    engine.join()
    await settle()
    expect(last().log).not.toContain('start')
    await vi.advanceTimersByTimeAsync(3_000)
    expect(last().log).toContain('start')
    expect(now().microphoneOn).toBe(false)
    answer()
    await settle()
    expect(now().microphoneOn).toBe(true)
  })

  it('takes the default device when the remembered one is gone', async () => {
    const { engine, last, now } = setUp()
    engine.join()
    await settle()
    last().openMicrophone = async (id) => {
      last().log.push(`microphone ${id}`)
      if (id !== '') throw deviceGone
    }
    await engine.chooseMicrophone('usb')
    expect(last().log.slice(-2)).toEqual(['microphone usb', 'microphone '])
    expect(now()).toMatchObject({ microphoneOn: true, notice: undefined })
  })

  it.each<[ErrorCode, string]>([
    ['NOT_FOUND', 'not-found'],
    ['FORBIDDEN', 'forbidden'],
    ['UNAUTHENTICATED', 'signed-out'],
    ['LIMIT_EXCEEDED', 'full'],
    ['INVALID', 'refused'],
  ])('ends at once when the server answers %s', async (code, detail) => {
    const { engine, now, joins } = setUp({ join: () => Promise.reject(new ApiError(code, 'no')) })
    engine.join()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(now()).toMatchObject({ phase: 'ended', reason: 'failed', detail })
    expect(joins).toHaveBeenCalledTimes(1)
  })

  it('asks a server that is away again, and gives up after half a minute', async () => {
    const { engine, now, joins } = setUp({ join: () => Promise.reject(new ApiError('NETWORK', 'away')) })
    engine.join()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(now().phase).toBe('joining')
    expect(joins.mock.calls.length).toBeGreaterThan(2)
    await vi.advanceTimersByTimeAsync(40_000)
    expect(now()).toMatchObject({ phase: 'ended', reason: 'failed', detail: 'network' })
    const attempts = joins.mock.calls.length
    await vi.advanceTimersByTimeAsync(60_000)
    expect(joins).toHaveBeenCalledTimes(attempts)
  })
})

describe('the end', () => {
  it.each<[StopCause, string, string | undefined]>([
    ['ended', 'ended', undefined],
    ['elsewhere', 'elsewhere', undefined],
    ['removed', 'removed', undefined],
    ['full', 'failed', 'full'],
  ])('%s is final', async (cause, reason, detail) => {
    const { connect, last, now, joins } = setUp()
    await connect()
    last().observer.stopped(cause)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(now()).toMatchObject({ phase: 'ended', reason, detail })
    expect(joins).toHaveBeenCalledTimes(1)
  })

  it('leaving is shown at once and the call is stopped', async () => {
    const { connect, engine, last, now } = setUp()
    await connect()
    const left = engine.leave()
    expect(now()).toMatchObject({ phase: 'ended', reason: 'left' })
    await left
    expect(last().log.at(-1)).toBe('stop')
  })

  it('leaving while the server is being asked opens no call', async () => {
    let answer: (info: JoinInfo) => void = () => {}
    const { engine, calls, now } = setUp({ join: () => new Promise((resolve) => (answer = resolve)) })
    engine.join()
    await engine.leave()
    answer({ meeting: {}, attendee: {} })
    await settle()
    expect(calls).toHaveLength(0)
    expect(now().reason).toBe('left')
  })

  it('leaving while the microphone opens never starts the call', async () => {
    let answer = () => {}
    const gate = new Promise<void>((resolve) => (answer = resolve))
    const { engine, last } = setUp({ prepare: (call) => (call.microphoneGate = gate) })
    engine.join()
    await settle()
    await engine.leave()
    answer()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(last().log).not.toContain('start')
    expect(last().log).not.toContain('unmute')
    expect(last().log).toContain('stop')
  })

  it('what a former call still says counts for nothing', async () => {
    const { connect, engine, calls, now } = setUp()
    await connect()
    await engine.leave()
    calls[0]?.observer.connected()
    calls[0]?.observer.stopped('lost')
    expect(now()).toMatchObject({ phase: 'ended', reason: 'left' })
  })

  it('joining again starts afresh', async () => {
    const { connect, engine, calls, now } = setUp()
    await connect()
    calls[0]?.observer.stopped('elsewhere')
    engine.join()
    expect(now()).toMatchObject({ phase: 'joining', reason: undefined })
    await settle()
    calls[1]?.observer.connected()
    expect(now().phase).toBe('connected')
  })
})

describe('outages', () => {
  it('shows the call restoring itself', async () => {
    const { connect, last, now } = setUp()
    await connect()
    last().observer.reconnecting()
    expect(now().phase).toBe('reconnecting')
    last().observer.connected()
    expect(now().phase).toBe('connected')
  })

  it('joins again when the call gave up, with the switches as they were', async () => {
    const { connect, engine, calls, last, now } = setUp({ choices: { cameraOn: true } })
    await connect()
    await engine.setMicrophone(false)
    calls[0]?.observer.stopped('lost')
    expect(now().phase).toBe('reconnecting')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(calls).toHaveLength(2)
    expect(now().phase).toBe('reconnecting')
    last().observer.connected()
    await settle()
    expect(now()).toMatchObject({ phase: 'connected', microphoneOn: false, cameraOn: true })
    expect(last().log).toEqual(['mute', 'start', 'camera cam1'])
  })

  it('a switch during the outage holds afterwards', async () => {
    const { connect, engine, calls, last, now } = setUp()
    await connect()
    calls[0]?.observer.stopped('lost')
    await engine.setMicrophone(false)
    expect(now().microphoneOn).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    last().observer.connected()
    await settle()
    expect(now().microphoneOn).toBe(false)
    expect(last().log).not.toContain('unmute')
  })

  it('outlasts a server that is away for minutes', async () => {
    let away = false
    const { connect, calls, last, now } = setUp({
      join: async () => {
        if (away) throw new ApiError('UNAVAILABLE', 'restarting')
        return { meeting: {}, attendee: {} }
      },
    })
    await connect()
    away = true
    calls[0]?.observer.stopped('lost')
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    expect(now().phase).toBe('reconnecting')
    away = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(calls).toHaveLength(2)
    last().observer.connected()
    expect(now().phase).toBe('connected')
  })

  it('an unanswered question of the former call does not hold up the next', async () => {
    const never = new Promise<void>(() => {})
    const { connect, calls, last } = setUp({ prepare: (call) => (call.microphoneGate = never) })
    await connect()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(calls[0]?.log).toContain('start')
    calls[0]?.observer.stopped('lost')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(calls).toHaveLength(2)
    expect(last().log).toContain('start')
  })

  it('does not wait when told to try now', async () => {
    const { connect, engine, calls, joins } = setUp()
    await connect()
    calls[0]?.observer.stopped('lost')
    expect(joins).toHaveBeenCalledTimes(1)
    engine.retryNow()
    expect(joins).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(joins).toHaveBeenCalledTimes(2)
  })

  it('a meeting deleted meanwhile has ended', async () => {
    let deleted = false
    const { connect, calls, now } = setUp({
      join: async () => {
        if (deleted) throw new ApiError('NOT_FOUND', 'gone')
        return { meeting: {}, attendee: {} }
      },
    })
    await connect()
    deleted = true
    calls[0]?.observer.stopped('lost')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(now()).toMatchObject({ phase: 'ended', reason: 'ended' })
  })

  it('gets a new token for a refused one, but not without end', async () => {
    const { connect, calls, last, now } = setUp()
    await connect()
    for (let refusals = 1; refusals < 3; refusals++) {
      last().observer.stopped('rejected')
      expect(now().phase).toBe('reconnecting')
      await vi.advanceTimersByTimeAsync(10_000)
      expect(calls).toHaveLength(refusals + 1)
    }
    last().observer.stopped('rejected')
    expect(now()).toMatchObject({ phase: 'ended', reason: 'failed', detail: 'rejected' })
  })
})

describe('devices in the call', () => {
  it('opens the microphone once and then only mutes', async () => {
    const { connect, engine, last } = setUp()
    await connect()
    await engine.setMicrophone(false)
    await engine.setMicrophone(true)
    expect(last().log.slice(-2)).toEqual(['mute', 'unmute'])
    expect(last().log.filter((entry) => entry.startsWith('microphone'))).toHaveLength(1)
  })

  it('quick clicks end in the last state', async () => {
    const { connect, engine, last, now } = setUp()
    await connect()
    await Promise.all([engine.setCamera(true), engine.setCamera(false), engine.setCamera(true), engine.setCamera(false)])
    expect(now().cameraOn).toBe(false)
    expect(last().log.at(-1)).toBe('camera off')
  })

  it('says why the camera cannot be used, until it can', async () => {
    const { connect, engine, last, now } = setUp()
    await connect()
    last().cameraError = Object.assign(new Error('busy'), { name: 'NotReadableError' })
    await engine.setCamera(true)
    expect(now()).toMatchObject({ cameraOn: false, notice: { kind: 'camera', problem: 'in-use' } })
    last().cameraError = undefined
    await engine.setCamera(true)
    expect(now()).toMatchObject({ cameraOn: true, notice: undefined })
  })

  it('goes on with the default microphone when the one in use is unplugged', async () => {
    const { connect, last, now } = setUp()
    await connect()
    last().observer.deviceLost('microphone')
    await settle()
    expect(last().log.slice(-2)).toEqual(['microphone ', 'unmute'])
    expect(now().microphoneOn).toBe(true)
  })
})
