import { describe, expect, it } from 'vitest'
import { arrange, page } from '@/meeting/arrange'
import { bestLayout, capacity } from '@/meeting/layout'
import type { Participant } from '@/meeting/roster'
import { rosterNews } from '@/meeting/rosternews'
import { SpeechDetector } from '@/meeting/speech'

function someone(attendeeId: string, change: Partial<Participant> = {}): Participant {
  return {
    attendeeId, name: attendeeId.split('#')[0] ?? '', self: attendeeId.startsWith('me'), content: attendeeId.endsWith('#content'), muted: false, speaking: false,
    tileId: undefined, portrait: false, held: false, stalled: false, ...change,
  }
}
const ids = (list: readonly Participant[]) => list.map(({ attendeeId }) => attendeeId)
const me = someone('me')
const bob = someone('bob')
const cid = someone('cid')
const bobsScreen = someone('bob#content')
const cidsScreen = someone('cid#content')

describe('arrangement', () => {
  it('shows all alike without a screen', () => {
    const { large, others } = arrange([me, bob, cid], undefined)
    expect(large).toEqual([])
    expect(ids(others)).toEqual(['me', 'bob', 'cid'])
  })

  it('shows one or two screens large', () => {
    expect(ids(arrange([me, bob, bobsScreen], undefined).large)).toEqual(['bob#content'])
    const both = arrange([me, bob, bobsScreen, cid, cidsScreen], undefined)
    expect(ids(both.large)).toEqual(['bob#content', 'cid#content'])
    expect(ids(both.others)).toEqual(['me', 'bob', 'cid'])
  })

  it('never shows one’s own screen in itself', () => {
    const { large, others } = arrange([me, bob, someone('me#content')], 'me#content')
    expect(large).toEqual([])
    expect(ids(others)).toEqual(['me', 'bob'])
  })

  it('shows a pinned face instead of the screen, and a pinned screen alone', () => {
    const face = arrange([me, bob, bobsScreen], 'bob')
    expect(ids(face.large)).toEqual(['bob'])
    expect(ids(face.others)).toEqual(['me', 'bob#content'])
    const screen = arrange([me, bob, bobsScreen, cidsScreen], 'cid#content')
    expect(ids(screen.large)).toEqual(['cid#content'])
    expect(ids(screen.others)).toContain('bob#content')
  })

  it('forgets a pin when its owner is gone', () => {
    expect(ids(arrange([me, bob, bobsScreen], 'cid').large)).toEqual(['bob#content'])
  })
})

describe('pages', () => {
  const numbers = Array.from({ length: 7 }, (_, i) => i)

  it('hold everybody once', () => {
    const all = [0, 1, 2].flatMap((index) => page(numbers, 3, index).items)
    expect(all).toEqual(numbers)
    expect(page(numbers, 3, 0).count).toBe(3)
  })

  it('stay within a list that became shorter', () => {
    expect(page(numbers, 3, 9)).toMatchObject({ index: 2, items: [6] })
    expect(page([], 3, 4)).toMatchObject({ index: 0, count: 1, items: [] })
    expect(page(numbers, 3, -1).index).toBe(0)
  })
})

describe('capacity', () => {
  it('is what fits without scrolling', () => {
    for (const [width, height] of [[1256, 640], [366, 620], [760, 300], [160, 90]] as const) {
      const count = capacity(width, height, 10, 150)
      expect(count).toBeGreaterThan(0)
      const { columns, height: tall } = bestLayout(count, width, height, 10, 150)
      const rows = Math.ceil(count / columns)
      expect(rows * tall + (rows - 1) * 10, `${width}×${height}`).toBeLessThanOrEqual(height)
    }
  })

  it('has room for 25 on a desktop, fewer on a phone, and one at least', () => {
    expect(capacity(1256, 640, 10, 150)).toBe(25)
    expect(capacity(366, 620, 10, 150)).toBe(12)
    expect(capacity(0, 0, 10, 150)).toBe(1)
  })
})

describe('news of the roster', () => {
  it('tells who came and went, with how many others', () => {
    expect(rosterNews([me], [me, bob])).toEqual({ kind: 'joined', name: 'bob', more: 0 })
    expect(rosterNews([me], [me, bob, cid])).toEqual({ kind: 'joined', name: 'bob', more: 1 })
    expect(rosterNews([me, bob, cid], [me])).toEqual({ kind: 'left', name: 'bob', more: 1 })
  })

  it('tells of screens', () => {
    expect(rosterNews([me, bob], [me, bob, bobsScreen])).toMatchObject({ kind: 'shares', name: 'bob' })
    expect(rosterNews([me, bob, bobsScreen], [me, bob])).toMatchObject({ kind: 'unshares', name: 'bob' })
    // Whoever goes takes his screen with him.
    expect(rosterNews([me, bob, bobsScreen], [me])).toMatchObject({ kind: 'left', name: 'bob', more: 0 })
  })

  it('has nothing to tell of oneself or of changes', () => {
    expect(rosterNews([], [me, someone('me#content')])).toBeUndefined()
    expect(rosterNews([me, bob], [me, { ...bob, muted: true }])).toBeUndefined()
  })
})

describe('speech', () => {
  const heard = (samples: number[]) => {
    const detector = new SpeechDetector()
    return samples.map((sample) => detector.heard(sample))
  }

  it('is heard after a few loud moments, with pauses between words', () => {
    expect(heard([-20, -20, -70, -20, -20]).at(-1)).toBe(true)
  })

  it('is neither a quiet room nor a knock', () => {
    expect(heard(Array.from({ length: 50 }, () => -60)).includes(true)).toBe(false)
    expect(heard([-70, -5, -5, -70, -70, -70, -70, -70, -70, -70, -70, -5]).includes(true)).toBe(false)
  })

  it('ends', () => {
    expect(heard([...Array.from({ length: 10 }, () => -20), ...Array.from({ length: 10 }, () => -70)]).at(-1)).toBe(false)
  })
})
