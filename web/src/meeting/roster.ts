import type { VideoTile } from './call'

/** One person (or one shared screen) in the call. Immutable: a change makes a new object. */
export interface Participant {
  readonly attendeeId: string
  readonly name: string
  readonly self: boolean
  /** A shared screen; `self` tells whether it is one's own. */
  readonly content: boolean
  readonly muted: boolean
  readonly speaking: boolean
  /** The video tile to show, if there is a picture. */
  readonly tileId: number | undefined
  /** Taller than wide: shown whole instead of cropped. */
  readonly portrait: boolean
  /** The picture is held back, because the connection has no room for it. */
  readonly held: boolean
  /** The picture stands still, because the sender does not get through. */
  readonly stalled: boolean
}

const contentSuffix = '#content'

/** Above this volume (0..1) somebody counts as speaking … */
const speakingVolume = 0.15
/** … and this long (ms) after the last time, so that the ring does not flicker between words. */
const speakingHoldMs = 900

/**
 * Who is in the call, in the order of arrival with oneself first, so that tiles never jump.
 * Knows no SDK and no clock: time comes in as milliseconds.
 */
export class Roster {
  private readonly people = new Map<string, Participant>()
  private readonly tiles = new Map<number, VideoTile>()
  private readonly lastHeard = new Map<string, number>()
  private readonly selfId: string
  private cached: readonly Participant[] | undefined

  constructor(selfId: string, selfExternalId: string) {
    this.selfId = selfId
    // One sees oneself before the server's first roster.
    if (selfId !== '') this.add(selfId, selfExternalId)
  }

  /** The same array until something changes. */
  list(): readonly Participant[] {
    this.cached ??= [...this.people.values()]
    return this.cached
  }

  /** How many screens others share. */
  sharedByOthers(): number {
    return this.list().filter(({ self, content }) => content && !self).length
  }

  presence(attendeeId: string, externalUserId: string, present: boolean): void {
    if (present) {
      if (!this.people.has(attendeeId)) this.add(attendeeId, externalUserId)
      return
    }
    // The server forgets oneself for a moment during a reconnect; one's own tile stays.
    if (attendeeId === this.selfId) return
    this.lastHeard.delete(attendeeId)
    if (this.people.delete(attendeeId)) this.cached = undefined
  }

  volume(attendeeId: string, volume: number | undefined, muted: boolean | undefined, now: number): void {
    const person = this.people.get(attendeeId)
    if (!person) return
    const nowMuted = muted ?? person.muted
    if (volume !== undefined && volume > speakingVolume && !nowMuted) this.lastHeard.set(attendeeId, now)
    if (nowMuted) this.lastHeard.delete(attendeeId)
    this.change(attendeeId, { muted: nowMuted, speaking: this.isSpeaking(attendeeId, now) })
  }

  /** Ends speaking marks whose time is over. */
  settle(now: number): void {
    for (const attendeeId of this.people.keys()) this.change(attendeeId, { speaking: this.isSpeaking(attendeeId, now) })
  }

  /** Shows one's own mute state without waiting for the server to tell everybody. */
  setSelfMuted(muted: boolean): void {
    this.change(this.selfId, muted ? { muted, speaking: false } : { muted })
    if (muted) this.lastHeard.delete(this.selfId)
  }

  tileChanged(tile: VideoTile): void {
    this.tiles.set(tile.tileId, tile)
    this.showTile(tile.attendeeId)
  }

  tileRemoved(tileId: number): void {
    const tile = this.tiles.get(tileId)
    this.tiles.delete(tileId)
    if (tile) this.showTile(tile.attendeeId)
  }

  /** The call that sent the pictures is gone. */
  clearTiles(): void {
    for (const tileId of [...this.tiles.keys()]) this.tileRemoved(tileId)
  }

  private showTile(attendeeId: string): void {
    const tile = [...this.tiles.values()].find((each) => each.attendeeId === attendeeId && each.active)
    this.change(attendeeId, {
      tileId: tile?.tileId, portrait: tile !== undefined && tile.height > tile.width, held: tile?.held ?? false, stalled: tile?.stalled ?? false,
    })
  }

  private isSpeaking(attendeeId: string, now: number): boolean {
    const heard = this.lastHeard.get(attendeeId)
    return heard !== undefined && now - heard < speakingHoldMs
  }

  private add(attendeeId: string, externalUserId: string): void {
    this.people.set(attendeeId, {
      attendeeId,
      name: displayName(externalUserId),
      self: attendeeId === this.selfId || attendeeId === this.selfId + contentSuffix,
      content: attendeeId.endsWith(contentSuffix),
      muted: false,
      speaking: false,
      tileId: undefined,
      portrait: false,
      held: false,
      stalled: false,
    })
    this.cached = undefined
    // The picture may have come before the name.
    this.showTile(attendeeId)
  }

  private change(attendeeId: string, change: Partial<Participant>): void {
    const person = this.people.get(attendeeId)
    if (!person) return
    const next = { ...person, ...change }
    const same = (Object.keys(change) as (keyof Participant)[]).every((key) => next[key] === person[key])
    if (same) return
    this.people.set(attendeeId, next)
    this.cached = undefined
  }
}

/**
 * The name to show for an external user id. The server writes "<part of the account id>#<name>";
 * other programs may write anything.
 */
export function displayName(externalUserId: string): string {
  const separator = externalUserId.indexOf('#')
  const name = separator < 0 ? externalUserId : externalUserId.slice(separator + 1)
  return name.trim() === '' ? externalUserId : name
}
