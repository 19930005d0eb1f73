import { vi } from 'vitest'
import type { JoinInfo } from '@/api/meetings'
import type { Call, CallObserver, PictureWish } from '@/meeting/call'
import type { Choices } from '@/meeting/capture'
import { MeetingEngine, type Snapshot } from '@/meeting/engine'

/** A call that does what the test says and records what the engine asked for. */
export class FakeCall implements Call {
  readonly selfId = 'me'
  readonly selfExternalId = '0a1b2c3d#Ann'
  readonly observer: CallObserver
  readonly log: string[] = []
  microphoneError: unknown
  cameraError: unknown
  /** Holds openMicrophone until it resolves. */
  microphoneGate: Promise<void> = Promise.resolve()

  constructor(observer: CallObserver) {
    this.observer = observer
  }

  start() {
    this.log.push('start')
  }
  async stop() {
    this.log.push('stop')
  }
  async openMicrophone(id: string) {
    this.log.push(`microphone ${id}`)
    await this.microphoneGate
    if (this.microphoneError) throw this.microphoneError
  }
  setMuted(muted: boolean) {
    this.log.push(muted ? 'mute' : 'unmute')
  }
  async openCamera(id: string) {
    this.log.push(`camera ${id}`)
    if (this.cameraError) throw this.cameraError
  }
  async closeCamera() {
    this.log.push('camera off')
  }
  async bindAudio() {
    this.log.push('audio')
  }
  async chooseSpeaker(id: string) {
    this.log.push(`speaker ${id}`)
  }
  readonly screens: MediaStream[] = []
  startShare(screen: MediaStream) {
    this.screens.push(screen)
    this.log.push('share')
  }
  stopShare() {
    this.log.push('stop share')
  }
  watch(wishes: readonly PictureWish[]) {
    this.log.push(`watch ${wishes.map(({ attendeeId, size }) => `${attendeeId}=${size}`).join(" ")}`)
  }
  bindVideo() {}
  unbindVideo() {}
}

export interface Setup {
  choices?: Partial<Choices>
  join?: () => Promise<JoinInfo>
  prepare?: (call: FakeCall) => void
  pickScreen?: () => Promise<MediaStream>
}

export function setUp({ choices, join, prepare, pickScreen }: Setup = {}) {
  const calls: FakeCall[] = []
  const snapshots: Snapshot[] = []
  const joins = vi.fn(join ?? (async () => ({ meeting: {}, attendee: {} })))
  const engine = new MeetingEngine({
    join: joins,
    openCall: (_info, observer) => {
      const call = new FakeCall(observer)
      prepare?.(call)
      calls.push(call)
      return call
    },
    choices: () => ({ microphoneOn: true, cameraOn: false, microphoneId: 'mic1', cameraId: 'cam1', speakerId: '', ...choices }),
    pickScreen: pickScreen ?? (() => Promise.reject(new Error('no screen in this test'))),
    onChange: (snapshot) => snapshots.push(snapshot),
    random: () => 0,
  })
  const last = () => {
    const call = calls.at(-1)
    if (!call) throw new Error('no call was opened')
    return call
  }
  const connect = async () => {
    engine.join()
    await settle()
    last().observer.connected()
    await settle()
  }
  return { engine, calls, snapshots, joins, last, connect, now: () => engine.snapshot() }
}

/** Lets every promise that is ready run, without moving the clock. */
export const settle = () => vi.advanceTimersByTimeAsync(0)
