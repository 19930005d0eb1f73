import { asApiError, type ErrorCode } from '@/api/errors'
import type { JoinInfo } from '@/api/meetings'
import { backoff } from './backoff'
import type { Call, CallObserver, StopCause } from './call'
import { Capture, type Choices, type Notice } from './capture'
import { Roster, type Participant } from './roster'
import { Share, shareLimit, type ShareProblem, type ShareState } from './share'
import { View } from './view'

export type Phase =
  | 'idle'
  /** On the way in for the first time. */
  | 'joining'
  | 'connected'
  /** Was connected and is on the way back, by the call itself or by joining again. */
  | 'reconnecting'
  | 'ended'

export type EndReason = 'left' | 'ended' | 'elsewhere' | 'removed' | 'failed'

/** What is behind the reason `failed`. */
export type FailureDetail = 'network' | 'full' | 'rejected' | 'not-found' | 'forbidden' | 'signed-out' | 'refused'

/** Everything a screen needs to know, replaced as a whole on every change. */
export interface Snapshot {
  readonly phase: Phase
  readonly reason: EndReason | undefined
  readonly detail: FailureDetail | undefined
  readonly participants: readonly Participant[]
  readonly microphoneOn: boolean
  readonly cameraOn: boolean
  /** The last trouble with a device; stays until the next success with it or until dismissed. */
  readonly notice: Notice | undefined
  readonly share: ShareState
  /** Why nothing is shared; stays until the next attempt or until dismissed. */
  readonly shareProblem: ShareProblem | undefined
  /** Somebody speaks here, and nobody hears it. */
  readonly speakingMuted: boolean
  /** Sound gets lost on the way to us. */
  readonly poorConnection: boolean
}

export interface EngineConfig {
  /** Asks the server for a place in the meeting; called again for every fresh start. Rejects with ApiError. */
  join: () => Promise<JoinInfo>
  openCall: (info: JoinInfo, observer: CallObserver) => Call | Promise<Call>
  /** Asked at each join from outside; later changes come by the engine's own methods. */
  choices: () => Choices
  /** Asks the person what to share. Rejects like getDisplayMedia. */
  pickScreen: () => Promise<MediaStream>
  onChange: (snapshot: Snapshot) => void
  now?: () => number
  random?: () => number
}

/** A first attempt gives up after this time (ms); somebody looks at a spinner. */
const firstJoinLimit = 30_000
/** A call that was up tries to come back for this long (ms) after the last moment it was up. */
const rejoinLimit = 10 * 60_000
/** So many refused tokens in a row are a refusal, not bad luck. */
const rejectionLimit = 3
/** How often the end of a speaking mark is looked for (ms). */
const settleEvery = 300
/** How long somebody who spoke while muted is told so (ms). */
const speakingMutedFor = 5_000

/**
 * Keeps one person in one meeting: joins, watches the call, joins again when the call gave up, and
 * says in a Snapshot how things stand. The switches and devices chosen survive every rejoin.
 *
 * There is at most one call at a time; `generation` makes everything a former one still reports void.
 */
export class MeetingEngine {
  private readonly config: EngineConfig
  private readonly capture: Capture
  private readonly share: Share
  private readonly view = new View()
  private readonly now: () => number

  private phase: Phase = 'idle'
  private reason: EndReason | undefined
  private detail: FailureDetail | undefined

  private generation = 0
  private call: Call | undefined
  private roster = new Roster('', '')
  private audio: HTMLAudioElement | undefined
  private spokeMutedAt = -Infinity
  private poorConnection = false

  private attempt = 0
  private rejections = 0
  private wasConnected = false
  private outageSince = 0
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private settleTimer: ReturnType<typeof setInterval> | undefined

  constructor(config: EngineConfig) {
    this.config = config
    this.now = config.now ?? Date.now
    this.capture = new Capture(
      config.choices(),
      (muted) => this.roster.setSelfMuted(muted),
      () => this.publish(),
    )
    this.share = new Share(config.pickScreen, () => this.publish())
  }

  snapshot(): Snapshot {
    return {
      phase: this.phase,
      reason: this.reason,
      detail: this.detail,
      participants: this.roster.list(),
      microphoneOn: this.capture.microphoneOn,
      cameraOn: this.capture.cameraOn,
      notice: this.capture.notice,
      share: this.share.state,
      shareProblem: this.share.problem,
      speakingMuted: this.phase !== 'ended' && this.now() - this.spokeMutedAt < speakingMutedFor,
      poorConnection: this.poorConnection,
    }
  }

  /** Joins; also the way back in after the end. Does nothing while joining or connected. */
  join(): void {
    if (this.phase !== 'idle' && this.phase !== 'ended') return
    this.capture.reset(this.config.choices())
    this.phase = 'joining'
    this.reason = undefined
    this.detail = undefined
    this.attempt = 0
    this.rejections = 0
    this.wasConnected = false
    this.outageSince = this.now()
    this.settleTimer ??= setInterval(() => {
      this.settle()
    }, settleEvery)
    void this.connect()
  }

  /** Leaves for good; resolves when the others see it, at the latest when the server did not answer in time. */
  async leave(): Promise<void> {
    if (this.phase === 'ended' || this.phase === 'idle') return
    const { call } = this
    this.end('left')
    await call?.stop()
  }

  /** Tries at once instead of waiting for the next attempt; for the person's click and for the browser's `online`. */
  retryNow(): void {
    if (this.retryTimer === undefined) return
    this.cancelRetry()
    void this.connect()
  }

  setMicrophone(on: boolean): Promise<void> {
    this.spokeMutedAt = -Infinity
    return this.capture.setMicrophone(on)
  }

  setCamera(on: boolean): Promise<void> {
    return this.capture.setCamera(on)
  }

  chooseMicrophone(deviceId: string): Promise<void> {
    return this.capture.chooseMicrophone(deviceId)
  }

  chooseCamera(deviceId: string): Promise<void> {
    return this.capture.chooseCamera(deviceId)
  }

  chooseSpeaker(deviceId: string): Promise<void> {
    return this.capture.chooseSpeaker(deviceId)
  }

  /** Asks what to share and shares it, or says why it cannot. */
  async startShare(): Promise<void> {
    if (this.phase !== 'connected') return
    // Who would be refused need not choose first.
    if (this.roster.sharedByOthers() >= shareLimit) this.share.refuse('full')
    else await this.share.start()
  }

  stopShare(): void {
    this.share.stop()
  }

  /** The element that plays everybody else; kept for every later call. */
  async bindAudio(element: HTMLAudioElement): Promise<void> {
    this.audio = element
    await this.call?.bindAudio(element)
  }

  bindVideo(tileId: number, element: HTMLVideoElement): void {
    this.call?.bindVideo(tileId, element)
  }

  unbindVideo(tileId: number): void {
    this.call?.unbindVideo(tileId)
  }

  /** Says that somebody's picture is on the screen, and how high in device pixels. */
  show(attendeeId: string, height: number): void {
    this.view.show(attendeeId, height)
  }

  hide(attendeeId: string): void {
    this.view.hide(attendeeId)
  }

  dismissNotice(): void {
    this.capture.notice = undefined
    this.share.dismiss()
    this.publish()
  }

  private async connect(): Promise<void> {
    const generation = ++this.generation
    this.publish()
    let info: JoinInfo
    let call: Call
    try {
      info = await this.config.join()
      if (generation !== this.generation) return
      call = await this.config.openCall(info, this.observer(generation))
      if (generation !== this.generation) return
    } catch (error) {
      if (generation === this.generation) this.joinFailed(asApiError(error).code)
      return
    }
    this.call = call
    this.roster = new Roster(call.selfId, call.selfExternalId)
    this.capture.attach(call)
    this.share.attach(call)
    this.view.attach(call)
    this.publish()
    if (this.audio) await call.bindAudio(this.audio).catch(() => undefined)
    await this.capture.begin(() => {
      if (generation === this.generation) call.start()
    })
    // Whoever left meanwhile lets go of what was opened meanwhile, too.
    if (generation !== this.generation) await call.stop()
  }

  private observer(generation: number): CallObserver {
    const current = (act: () => void) => {
      if (generation !== this.generation) return
      act()
    }
    const onRoster = (act: () => void) =>
      current(() => {
        act()
        this.publishRoster()
      })
    return {
      connected: () => current(() => this.connected()),
      reconnecting: () => current(() => this.interrupted()),
      stopped: (cause) => current(() => this.stopped(cause)),
      presence: (attendeeId, externalUserId, present) =>
        onRoster(() => this.roster.presence(attendeeId, externalUserId, present)),
      volume: (attendeeId, volume, muted) => onRoster(() => this.roster.volume(attendeeId, volume, muted, this.now())),
      tileChanged: (tile) => onRoster(() => this.roster.tileChanged(tile)),
      tileRemoved: (tileId) => onRoster(() => this.roster.tileRemoved(tileId)),
      deviceLost: (kind) => current(() => this.capture.lost(kind)),
      spokeMuted: () => current(() => this.spokeMuted()),
      connectionQuality: (poor) => current(() => this.setPoorConnection(poor)),
      shareStarted: () => current(() => this.share.started()),
      shareStopped: (cause) => current(() => this.share.stopped(cause)),
    }
  }

  private connected(): void {
    this.phase = 'connected'
    this.wasConnected = true
    this.attempt = 0
    this.rejections = 0
    this.publish()
    this.capture.connected()
    this.share.connected()
  }

  private spokeMuted(): void {
    if (this.capture.microphoneOn) return
    const shown = this.snapshot().speakingMuted
    this.spokeMutedAt = this.now()
    if (!shown) this.publish()
  }

  private setPoorConnection(poor: boolean): void {
    if (poor === this.poorConnection) return
    this.poorConnection = poor
    this.publish()
  }

  /** Ends the marks whose time is over. */
  private settle(): void {
    this.roster.settle(this.now())
    if (this.spokeMutedAt > -Infinity && !this.snapshot().speakingMuted) {
      this.spokeMutedAt = -Infinity
      this.publish()
    } else this.publishRoster()
  }

  private interrupted(): void {
    if (this.phase === 'connected') this.outageSince = this.now()
    if (this.phase !== 'joining') this.phase = 'reconnecting'
    this.publish()
  }

  private stopped(cause: StopCause): void {
    this.call = undefined
    this.capture.detach()
    this.share.detach()
    this.poorConnection = false
    switch (cause) {
      case 'left':
      case 'ended':
      case 'elsewhere':
      case 'removed':
        this.end(cause)
        return
      case 'full':
        this.end('failed', 'full')
        return
      case 'rejected':
        this.rejections++
        if (this.rejections >= rejectionLimit) {
          this.end('failed', 'rejected')
          return
        }
        break
      case 'lost':
        break
    }
    if (this.phase === 'connected') this.outageSince = this.now()
    this.roster.clearTiles()
    this.retryLater()
  }

  private joinFailed(code: ErrorCode): void {
    switch (code) {
      case 'NETWORK':
      case 'UNAVAILABLE':
      case 'INTERNAL':
      case 'THROTTLED':
        this.retryLater()
        return
      case 'NOT_FOUND':
      case 'GONE':
        // Whoever was inside knew the meeting: it was deleted meanwhile.
        if (this.wasConnected) this.end('ended')
        else this.end('failed', 'not-found')
        return
      case 'UNAUTHENTICATED':
        this.end('failed', 'signed-out')
        return
      case 'FORBIDDEN':
      case 'UNCONFIRMED':
        this.end('failed', 'forbidden')
        return
      case 'LIMIT_EXCEEDED':
        this.end('failed', 'full')
        return
      default:
        this.end('failed', 'refused')
    }
  }

  private retryLater(): void {
    const limit = this.wasConnected ? rejoinLimit : firstJoinLimit
    if (this.now() - this.outageSince >= limit) {
      this.end('failed', 'network')
      return
    }
    if (this.wasConnected) this.phase = 'reconnecting'
    this.generation++ // nothing the old call still says counts
    this.attempt++
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined
      void this.connect()
    }, backoff(this.attempt, this.config.random))
    this.publish()
  }

  private cancelRetry(): void {
    clearTimeout(this.retryTimer)
    this.retryTimer = undefined
  }

  private end(reason: EndReason, detail?: FailureDetail): void {
    this.generation++
    this.cancelRetry()
    clearInterval(this.settleTimer)
    this.settleTimer = undefined
    this.call = undefined
    this.capture.detach()
    this.share.end()
    this.spokeMutedAt = -Infinity
    this.poorConnection = false
    this.phase = 'ended'
    this.reason = reason
    this.detail = detail
    this.roster = new Roster('', '')
    this.publish()
  }

  // Publishing

  private published: readonly Participant[] | undefined

  private publish(): void {
    this.published = this.roster.list()
    this.config.onChange(this.snapshot())
  }

  /** Volume comes many times a second; a snapshot is worth it only when the list is a new one. */
  private publishRoster(): void {
    if (this.roster.list() !== this.published) this.publish()
  }
}
