import { describe, expect, it } from 'vitest'
import { displayName, Roster } from '@/meeting/roster'

const tile = (tileId: number, attendeeId: string, active = true) => ({ tileId, attendeeId, active, width: 640, height: 360, held: false, stalled: false })

function withBob() {
  const roster = new Roster('me', 'aa#Ann')
  roster.presence('me', 'aa#Ann', true)
  roster.presence('bob', 'bb#Bob', true)
  return roster
}

const bob = (roster: Roster) => roster.list().find(({ attendeeId }) => attendeeId === 'bob')

describe('roster', () => {
  it('keeps oneself first and the others in order of arrival', () => {
    const roster = new Roster('me', 'aa#Ann')
    roster.presence('zoe', 'zz#Zoe', true)
    roster.presence('me', 'aa#Ann', true)
    roster.presence('bob', 'bb#Bob', true)
    expect(roster.list().map(({ name }) => name)).toEqual(['Ann', 'Zoe', 'Bob'])
    roster.presence('zoe', 'zz#Zoe', false)
    expect(roster.list().map(({ name }) => name)).toEqual(['Ann', 'Bob'])
  })

  it('never loses oneself', () => {
    const roster = withBob()
    roster.presence('me', 'aa#Ann', false)
    expect(roster.list()[0]).toMatchObject({ attendeeId: 'me', self: true })
  })

  it('returns the same array until something changes', () => {
    const roster = withBob()
    const before = roster.list()
    roster.volume('bob', 0, undefined, 0)
    roster.presence('bob', 'bb#Bob', true)
    expect(roster.list()).toBe(before)
    roster.volume('bob', undefined, true, 0)
    expect(roster.list()).not.toBe(before)
  })

  it('marks a speaker and holds the mark between words', () => {
    const roster = withBob()
    roster.volume('bob', 0.6, false, 1000)
    expect(bob(roster)?.speaking).toBe(true)
    roster.volume('bob', 0, undefined, 1500)
    expect(bob(roster)?.speaking).toBe(true)
    roster.settle(2500)
    expect(bob(roster)?.speaking).toBe(false)
  })

  it('somebody muted does not speak', () => {
    const roster = withBob()
    roster.volume('bob', 0.6, false, 1000)
    roster.volume('bob', 0.6, true, 1010)
    expect(bob(roster)).toMatchObject({ muted: true, speaking: false })
    roster.setSelfMuted(true)
    expect(roster.list()[0]?.muted).toBe(true)
  })

  it('shows a picture only while it is active', () => {
    const roster = withBob()
    roster.tileChanged(tile(7, 'bob'))
    expect(bob(roster)?.tileId).toBe(7)
    roster.tileChanged(tile(7, 'bob', false))
    expect(bob(roster)?.tileId).toBeUndefined()
    roster.tileChanged(tile(7, 'bob'))
    roster.tileRemoved(7)
    expect(bob(roster)?.tileId).toBeUndefined()
  })

  it('keeps a picture that comes before its sender', () => {
    const roster = new Roster('me', 'aa#Ann')
    roster.tileChanged(tile(3, 'bob'))
    roster.presence('bob', 'bb#Bob', true)
    expect(bob(roster)?.tileId).toBe(3)
  })

  it('drops every picture of a call that is gone', () => {
    const roster = withBob()
    roster.tileChanged(tile(1, 'me'))
    roster.tileChanged(tile(2, 'bob'))
    roster.clearTiles()
    expect(roster.list().every(({ tileId }) => tileId === undefined)).toBe(true)
  })

  it('knows shared screens from people', () => {
    const roster = withBob()
    roster.presence('bob#content', 'bb#Bob', true)
    expect(roster.list().map(({ content }) => content)).toEqual([false, false, true])
  })
})

describe('display name', () => {
  it.each([
    ['0a1b2c3d#Ann', 'Ann'],
    ['0a1b2c3d#Ann #1', 'Ann #1'],
    ['some-user', 'some-user'],
    ['0a1b2c3d#', '0a1b2c3d#'],
    ['', ''],
  ])('%s → %s', (id, name) => {
    expect(displayName(id)).toBe(name)
  })
})
