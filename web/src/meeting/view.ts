import type { Call, PictureSize, PictureWish } from './call'

/** Changes of the screen are gathered this long (ms): turning a page hides and shows many tiles at once. */
const gatherFor = 100

/** Heights in device pixels from which on a larger picture is worth its bandwidth. */
const heights: readonly (readonly [PictureSize, number])[] = [
  ['high', 400],
  ['medium', 200],
  ['low', 0],
]

/** The size of picture to ask for. A screen is there to be read, so it comes as sharp as there is room for. */
export function pictureSize(attendeeId: string, height: number): PictureSize {
  if (attendeeId.endsWith('#content')) return 'maximum'
  return heights.find(([, from]) => height >= from)?.[0] ?? 'low'
}

/** Which pictures are on the screen, and how large; tells the call, so that nothing else is received. */
export class View {
  private readonly sizes = new Map<string, PictureSize>()
  private call: Call | undefined
  private timer: ReturnType<typeof setTimeout> | undefined

  /** Without a call nothing is asked for; a call that knows of no wishes receives everything. */
  attach(call: Call | undefined): void {
    this.call = call
    if (this.sizes.size > 0) this.schedule()
  }

  /** height is in device pixels. */
  show(attendeeId: string, height: number): void {
    const size = pictureSize(attendeeId, height)
    if (this.sizes.get(attendeeId) === size) return
    this.sizes.set(attendeeId, size)
    this.schedule()
  }

  hide(attendeeId: string): void {
    if (this.sizes.delete(attendeeId)) this.schedule()
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.call?.watch(this.wishes())
    }, gatherFor)
  }

  private wishes(): PictureWish[] {
    return [...this.sizes].map(([attendeeId, size]) => ({ attendeeId, size }))
  }
}
