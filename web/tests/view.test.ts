import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call, PictureWish } from '@/meeting/call'
import { pictureSize, View } from '@/meeting/view'

describe('pictureSize', () => {
  it.each([
    ['a', 90, 'low'],
    ['a', 199, 'low'],
    ['a', 200, 'medium'],
    ['a', 400, 'high'],
    ['a', 2000, 'high'],
    ['a#content', 90, 'maximum'],
  ])('%s at %d px', (attendee, height, size) => {
    expect(pictureSize(attendee, height)).toBe(size)
  })
})

describe('View', () => {
  const asked: (readonly PictureWish[])[] = []
  const call = { watch: (wishes: readonly PictureWish[]) => asked.push(wishes) } as unknown as Call

  beforeEach(() => {
    vi.useFakeTimers()
    asked.length = 0
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('asks once for what a new page shows', () => {
    const view = new View()
    view.attach(call)
    view.show('a', 500)
    view.show('b', 100)
    vi.runAllTimers()
    view.hide('a')
    view.show('c', 500)
    vi.runAllTimers()
    expect(asked).toEqual([
      [{ attendeeId: 'a', size: 'high' }, { attendeeId: 'b', size: 'low' }],
      [{ attendeeId: 'b', size: 'low' }, { attendeeId: 'c', size: 'high' }],
    ])
  })

  it('asks for nothing new while a tile grows within its size', () => {
    const view = new View()
    view.attach(call)
    view.show('a', 500)
    vi.runAllTimers()
    view.show('a', 700)
    view.hide('nobody')
    vi.runAllTimers()
    expect(asked).toHaveLength(1)
  })

  it('tells a new call what is shown, but does not ask for nothing', () => {
    const view = new View()
    view.attach(call)
    vi.runAllTimers()
    expect(asked).toEqual([])
    view.show('a', 500)
    view.attach(call)
    vi.runAllTimers()
    expect(asked).toEqual([[{ attendeeId: 'a', size: 'high' }]])
  })
})
