import type { Participant } from './roster'

/** Who is shown how: one or two large pictures with the others beside them, or, without large ones, all alike. */
export interface Arrangement {
  readonly large: readonly Participant[]
  readonly others: readonly Participant[]
}

/** What a person pinned is large; otherwise shared screens are. One's own screen would only show itself in itself. */
export function arrange(participants: readonly Participant[], pinnedId: string | undefined): Arrangement {
  const shown = participants.filter(({ self, content }) => !(self && content))
  const pinned = shown.find(({ attendeeId }) => attendeeId === pinnedId)
  const large = pinned ? [pinned] : shown.filter(({ content }) => content)
  return { large, others: shown.filter((each) => !large.includes(each)) }
}

/** One page of a long list. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** From 0, within the list even when the list has become shorter. */
  readonly index: number
  readonly count: number
}

export function page<Item>(items: readonly Item[], size: number, wanted: number): Page<Item> {
  const count = Math.max(1, Math.ceil(items.length / size))
  const index = Math.min(Math.max(0, wanted), count - 1)
  return { items: items.slice(index * size, (index + 1) * size), index, count }
}
