import type { Call, StopCause } from './call'
import { captureProblem } from './captureproblem'
import { stopStream } from './devices'

export type ShareState =
  | 'off'
  /** The browser asks what to share. */
  | 'asking'
  /** Chosen, and on the way to the others (again). */
  | 'starting'
  | 'on'

/** Why a screen is not shared, as far as the person can do something about it. */
export type ShareProblem =
  /** As many screens are shared as a meeting can hold. */
  | 'full'
  /** The browser may, the operating system does not let it. */
  | 'blocked-by-system'
  /** Not a secure page, or a browser that cannot share screens. */
  | 'unsupported'
  /** The others never got it. */
  | 'failed'
  /** The others had it, and the connection broke. */
  | 'lost'

/** So many screens can be shared at once; the server refuses more. */
export const shareLimit = 2

/**
 * The shared screen of the person, across one call after the other: what was chosen stays open and is
 * sent again in the next call, so that nobody has to choose again after an outage.
 */
export class Share {
  state: ShareState = 'off'
  /** The last trouble; stays until the next attempt or until dismissed. */
  problem: ShareProblem | undefined

  private readonly pick: () => Promise<MediaStream>
  private readonly onChange: () => void
  private screen: MediaStream | undefined
  private call: Call | undefined
  private sent = false
  /** The call was told to stop a share and has not confirmed it. It cannot begin another before. */
  private closing = false
  /** Makes the answer to a question that nobody waits for any more void. */
  private turn = 0

  constructor(pick: () => Promise<MediaStream>, onChange: () => void) {
    this.pick = pick
    this.onChange = onChange
  }

  /** Asks what to share and shares it. Does nothing while something is shared. */
  async start(): Promise<void> {
    if (this.state !== 'off') return
    const turn = ++this.turn
    this.set('asking')
    let screen: MediaStream
    try {
      screen = await this.pick()
    } catch (error) {
      if (turn === this.turn) this.set('off', pickProblem(error))
      return
    }
    if (turn !== this.turn) {
      stopStream(screen)
      return
    }
    this.screen = screen
    // The browser's own bar has a button to stop; a shared window can be closed.
    for (const track of screen.getVideoTracks()) track.addEventListener('ended', () => this.ended(screen))
    this.set('starting')
    this.send()
  }

  stop(): void {
    this.turn++
    this.close()
    this.set('off')
  }

  /** Says why nothing is shared, without asking first. */
  refuse(problem: ShareProblem): void {
    if (this.state === 'off') this.set('off', problem)
  }

  dismiss(): void {
    this.problem = undefined
  }

  /** A new call is there and not started. */
  attach(call: Call): void {
    this.call = call
    this.sent = this.closing = false
  }

  /** The call is connected (again): what was shared in the former one goes on. */
  connected(): void {
    if (this.screen && !this.sent) this.send()
  }

  detach(): void {
    this.call = undefined
    this.sent = this.closing = false
    if (this.state === 'on') this.state = 'starting'
  }

  /** Everything is over; nothing goes on in a later call. */
  end(): void {
    this.turn++
    this.close()
    this.detach()
    this.state = 'off'
    this.problem = undefined
  }

  // What the call reports

  started(): void {
    if (this.screen && this.sent) this.set('on')
  }

  stopped(cause: StopCause): void {
    if (this.closing) {
      this.closing = false
      this.send()
      return
    }
    if (!this.sent) return
    this.sent = false
    const problem = stopProblem(cause, this.state === 'on')
    this.close()
    this.set('off', problem)
  }

  private ended(screen: MediaStream): void {
    if (screen === this.screen) this.stop()
  }

  private send(): void {
    if (!this.screen || !this.call || this.sent || this.closing) return
    this.sent = true
    // The call ends what it was given; the original has to outlive it.
    this.call.startShare(this.screen.clone())
  }

  private close(): void {
    if (this.sent) {
      this.sent = false
      this.closing = true
      this.call?.stopShare()
    }
    stopStream(this.screen)
    this.screen = undefined
  }

  private set(state: ShareState, problem?: ShareProblem): void {
    this.state = state
    this.problem = problem
    this.onChange()
  }
}

/** Closing the browser's question is no trouble: undefined. */
function pickProblem(error: unknown): ShareProblem | undefined {
  switch (captureProblem(error)) {
    case 'denied':
      return undefined
    case 'blocked-by-system':
    case 'in-use':
      return 'blocked-by-system'
    case 'insecure':
      return 'unsupported'
    default:
      return error instanceof TypeError ? 'unsupported' : 'failed'
  }
}

function stopProblem(cause: StopCause, wasOn: boolean): ShareProblem | undefined {
  switch (cause) {
    case 'full':
      return 'full'
    case 'lost':
    case 'rejected':
      return wasOn ? 'lost' : 'failed'
    default:
      // We asked for it, or the whole call is over and says so itself.
      return undefined
  }
}
