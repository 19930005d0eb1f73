import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StopCause } from '@/meeting/call'
import { settle, setUp } from './fakecall'

/** What getDisplayMedia gives: tracks that can be copied, stopped, and ended by the browser. */
class FakeTrack extends EventTarget {
  readonly kind: string
  readyState = 'live'
  constructor(kind = 'video') {
    super()
    this.kind = kind
  }
  stop() {
    this.readyState = 'ended'
  }
  /** The person pressed the button of the browser's own bar. */
  endByBrowser() {
    this.stop()
    this.dispatchEvent(new Event('ended'))
  }
}

class FakeScreen {
  readonly track = new FakeTrack()
  readonly copies: FakeScreen[] = []
  getTracks() {
    return [this.track]
  }
  getVideoTracks() {
    return [this.track]
  }
  clone() {
    const copy = new FakeScreen()
    this.copies.push(copy)
    return copy as unknown as MediaStream
  }
}

const asStream = (screen: FakeScreen) => screen as unknown as MediaStream
const named = (name: string, message = '') => Object.assign(new Error(message), { name })

async function inCall(pickScreen?: () => Promise<MediaStream>) {
  const screen = new FakeScreen()
  const meeting = setUp({ choices: { microphoneOn: false }, pickScreen: pickScreen ?? (async () => asStream(screen)) })
  await meeting.connect()
  return { ...meeting, screen }
}

async function sharing() {
  const meeting = await inCall()
  await meeting.engine.startShare()
  meeting.last().observer.shareStarted()
  return meeting
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('sharing a screen', () => {
  it('is on when the others have it, not before', async () => {
    const { engine, last, now, screen } = await inCall()
    await engine.startShare()
    expect(now().share).toBe('starting')
    expect(last().screens).toEqual(screen.copies)
    last().observer.shareStarted()
    expect(now().share).toBe('on')
  })

  it('ends by our button, and the browser’s mark goes out', async () => {
    const { engine, last, now, screen } = await sharing()
    engine.stopShare()
    expect(now()).toMatchObject({ share: 'off', shareProblem: undefined })
    expect(last().log.at(-1)).toBe('stop share')
    expect(screen.track.readyState).toBe('ended')
    last().observer.shareStopped('left')
    expect(now()).toMatchObject({ share: 'off', shareProblem: undefined })
  })

  it('ends by the browser’s button', async () => {
    const { last, now, screen } = await sharing()
    screen.track.endByBrowser()
    expect(now()).toMatchObject({ share: 'off', shareProblem: undefined })
    expect(last().log.at(-1)).toBe('stop share')
  })

  it('asks once, however often the button is pressed', async () => {
    const pick = vi.fn(() => new Promise<MediaStream>(() => {}))
    const { engine, now } = await inCall(pick)
    void engine.startShare()
    void engine.startShare()
    await settle()
    expect(pick).toHaveBeenCalledTimes(1)
    expect(now().share).toBe('asking')
  })

  it('is nothing to talk about when the person changes his mind', async () => {
    const { engine, last, now } = await inCall(() => Promise.reject(named('NotAllowedError', 'Permission denied')))
    await engine.startShare()
    expect(now()).toMatchObject({ share: 'off', shareProblem: undefined })
    expect(last().log).not.toContain('share')
  })

  it.each([
    [named('NotAllowedError', 'Permission denied by system'), 'blocked-by-system'],
    [named('NotReadableError'), 'blocked-by-system'],
    [new TypeError('getDisplayMedia is not a function'), 'unsupported'],
    [named('InvalidStateError'), 'failed'],
  ])('says what the browser’s %s means', async (error, problem) => {
    const { engine, now } = await inCall(() => Promise.reject(error))
    await engine.startShare()
    expect(now()).toMatchObject({ share: 'off', shareProblem: problem })
  })

  it.each<[StopCause, string | undefined]>([
    ['full', 'full'],
    ['lost', 'failed'],
    ['rejected', 'failed'],
    ['left', undefined],
    ['elsewhere', undefined],
  ])('that the server ends before it began (%s) is told', async (cause, problem) => {
    const { engine, last, now, screen } = await inCall()
    await engine.startShare()
    last().observer.shareStopped(cause)
    expect(now()).toMatchObject({ phase: 'connected', share: 'off', shareProblem: problem })
    expect(screen.track.readyState).toBe('ended')
  })

  it('that breaks is told differently', async () => {
    const { last, now } = await sharing()
    last().observer.shareStopped('lost')
    expect(now()).toMatchObject({ share: 'off', shareProblem: 'lost' })
  })

  it('the trouble is forgotten with the next attempt, or when dismissed', async () => {
    const { engine, last, now } = await sharing()
    last().observer.shareStopped('lost')
    await engine.startShare()
    expect(now()).toMatchObject({ share: 'starting', shareProblem: undefined })
    last().observer.shareStopped('lost')
    engine.dismissNotice()
    expect(now().shareProblem).toBeUndefined()
  })

  it('a third screen is refused without asking what to share', async () => {
    const pick = vi.fn(async () => asStream(new FakeScreen()))
    const { engine, last, now } = await inCall(pick)
    last().observer.presence('bob#content', 'bb#Bob', true)
    await engine.startShare()
    expect(now().share).toBe('starting')
    engine.stopShare()
    last().observer.shareStopped('left')
    last().observer.presence('cid#content', 'cc#Cid', true)
    await engine.startShare()
    expect(pick).toHaveBeenCalledTimes(1)
    expect(now()).toMatchObject({ share: 'off', shareProblem: 'full' })
  })

  it('one’s own screen counts for nobody else', async () => {
    const { last, now } = await sharing()
    last().observer.presence('me#content', '0a1b2c3d#Ann', true)
    expect(now().participants).toMatchObject([{ attendeeId: 'me' }, { attendeeId: 'me#content', self: true, content: true }])
    last().observer.presence('me#content', '0a1b2c3d#Ann', false)
    expect(now().participants).toMatchObject([{ attendeeId: 'me' }])
  })

  it('the next waits until the former is over', async () => {
    const { engine, last, now } = await sharing()
    engine.stopShare()
    await engine.startShare()
    expect(last().screens).toHaveLength(1)
    last().observer.shareStopped('left')
    expect(last().screens).toHaveLength(2)
    last().observer.shareStarted()
    expect(now().share).toBe('on')
  })

  it('needs a call', async () => {
    const pick = vi.fn(async () => asStream(new FakeScreen()))
    const { engine, last } = await inCall(pick)
    last().observer.reconnecting()
    await engine.startShare()
    expect(pick).not.toHaveBeenCalled()
  })
})

describe('a shared screen and the end of the call', () => {
  it('goes on in the next call after an outage, without asking again', async () => {
    const { calls, last, now, screen } = await sharing()
    last().observer.stopped('lost')
    expect(now()).toMatchObject({ phase: 'reconnecting', share: 'starting' })
    expect(screen.track.readyState).toBe('live')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(calls).toHaveLength(2)
    expect(last().log).not.toContain('share')
    last().observer.connected()
    expect(last().screens).toEqual([screen.copies[1]])
    last().observer.shareStarted()
    expect(now().share).toBe('on')
  })

  it('that was ended during the outage stays ended', async () => {
    const { engine, last, now } = await sharing()
    last().observer.stopped('lost')
    engine.stopShare()
    await vi.advanceTimersByTimeAsync(2_000)
    last().observer.connected()
    expect(last().log).not.toContain('share')
    expect(now().share).toBe('off')
  })

  it('is one connection of its own: the call restoring itself does not touch it', async () => {
    const { last, now } = await sharing()
    last().observer.reconnecting()
    expect(now().share).toBe('on')
    last().observer.connected()
    expect(last().screens).toHaveLength(1)
  })

  it.each<StopCause>(['ended', 'elsewhere', 'removed'])('ends when the call is over (%s)', async (cause) => {
    const { last, now, screen } = await sharing()
    last().observer.stopped(cause)
    expect(now()).toMatchObject({ phase: 'ended', share: 'off', shareProblem: undefined })
    expect(screen.track.readyState).toBe('ended')
  })

  it('ends when the person leaves, also while the browser asks', async () => {
    const screen = new FakeScreen()
    let choose: (screen: MediaStream) => void = () => {}
    const { engine, last } = await inCall(() => new Promise((resolve) => (choose = resolve)))
    const asked = engine.startShare()
    await engine.leave()
    choose(asStream(screen))
    await asked
    expect(screen.track.readyState).toBe('ended')
    expect(last().log).not.toContain('share')
  })
})

describe('hints', () => {
  it('somebody who speaks while muted is told so for a moment', async () => {
    const { last, now } = await inCall()
    last().observer.spokeMuted()
    expect(now().speakingMuted).toBe(true)
    await vi.advanceTimersByTimeAsync(4_000)
    last().observer.spokeMuted()
    await vi.advanceTimersByTimeAsync(4_000)
    expect(now().speakingMuted).toBe(true)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(now().speakingMuted).toBe(false)
  })

  it('who turns the microphone on is not told any more', async () => {
    const { engine, last, now } = await inCall()
    last().observer.spokeMuted()
    await engine.setMicrophone(true)
    expect(now().speakingMuted).toBe(false)
    last().observer.spokeMuted()
    expect(now().speakingMuted).toBe(false)
  })

  it('the end of a hint reaches the screen', async () => {
    const { last, snapshots } = await inCall()
    last().observer.spokeMuted()
    await vi.advanceTimersByTimeAsync(6_000)
    expect(snapshots.at(-1)?.speakingMuted).toBe(false)
  })

  it('a weak connection is told until it is good again, or until there is none', async () => {
    const { last, now } = await inCall()
    last().observer.connectionQuality(true)
    expect(now().poorConnection).toBe(true)
    last().observer.connectionQuality(false)
    expect(now().poorConnection).toBe(false)
    last().observer.connectionQuality(true)
    last().observer.stopped('lost')
    expect(now().poorConnection).toBe(false)
  })
})
