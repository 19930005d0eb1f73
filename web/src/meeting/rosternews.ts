import type { Participant } from './roster'

export interface RosterNews {
  readonly kind: 'joined' | 'left' | 'shares' | 'unshares'
  readonly name: string
  /** So many more did the same at the same time. */
  readonly more: number
}

/** What happened between two states of the roster, the most important first; oneself is no news. */
export function rosterNews(before: readonly Participant[], now: readonly Participant[]): RosterNews | undefined {
  const came = missing(before, now)
  const went = missing(now, before)
  const screens = (list: readonly Participant[]) => list.filter(({ content }) => content)
  const people = (list: readonly Participant[]) => list.filter(({ content }) => !content)
  return (
    piece('shares', screens(came)) ?? piece('joined', people(came)) ?? piece('left', people(went)) ?? piece('unshares', screens(went))
  )
}

function piece(kind: RosterNews['kind'], [first, ...others]: readonly Participant[]): RosterNews | undefined {
  return first && { kind, name: first.name, more: others.length }
}

function missing(from: readonly Participant[], wanted: readonly Participant[]): readonly Participant[] {
  return wanted.filter((each) => !each.self && !from.some(({ attendeeId }) => attendeeId === each.attendeeId))
}
