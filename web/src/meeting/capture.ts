import type { Call, CaptureKind } from './call'
import { captureProblem, type CaptureProblem } from './captureproblem'

/** The devices and switches a person chose before joining. Ids are the browser's; '' is its default. */
export interface Choices {
  microphoneOn: boolean
  cameraOn: boolean
  microphoneId: string
  cameraId: string
  speakerId: string
}

export interface Notice {
  kind: CaptureKind
  problem: CaptureProblem
}

/** An unanswered permission question holds up joining no longer than this (ms). */
const microphoneGrace = 3_000

/**
 * Microphone, camera and speaker of the person, across one call after the other: what was chosen
 * holds for the next call, too. Work on devices is done one after the other, since quick clicks must
 * not overtake each other, and only while its call is still the current one.
 */
export class Capture {
  /** What is really so, for the screen. */
  microphoneOn = false
  cameraOn = false
  /** The last trouble with a device; stays until the next success with it or until dismissed. */
  notice: Notice | undefined

  private readonly onChange: () => void
  private readonly onMuted: (muted: boolean) => void
  private choices: Choices
  private call: Call | undefined
  private microphoneOpen = false
  private cameraOpen = false
  private lastWork: Promise<void> = Promise.resolve()

  constructor(choices: Choices, onMuted: (muted: boolean) => void, onChange: () => void) {
    this.choices = { ...choices }
    this.onMuted = onMuted
    this.onChange = onChange
  }

  /** Forgets former choices and troubles. */
  reset(choices: Choices): void {
    this.choices = { ...choices }
    this.showChoices()
    this.notice = undefined
  }

  /** A new call is there and not started. It is muted until the microphone is open. */
  attach(call: Call): void {
    this.call = call
    this.microphoneOpen = false
    this.cameraOpen = false
    // The former call may wait for ever for an answer to the browser's question.
    this.lastWork = Promise.resolve()
    this.mute(call, true)
  }

  detach(): void {
    this.call = undefined
  }

  /** Opens what the call needs at its start, then calls start, however long the person is asked. */
  async begin(start: () => void): Promise<void> {
    await this.work(async (call) => {
      // The remembered speaker may be gone; the default is good enough then.
      if (this.choices.speakerId !== '') await call.chooseSpeaker(this.choices.speakerId).catch(() => undefined)
      const microphone = this.choices.microphoneOn ? this.openAndUnmute(call) : Promise.resolve()
      await Promise.race([microphone, after(microphoneGrace)])
      start()
      await microphone
    })
  }

  /** The call is connected (again): a camera that should be on is opened once. */
  connected(): void {
    if (this.choices.cameraOn && !this.cameraOpen) void this.setCamera(true)
  }

  async setMicrophone(on: boolean): Promise<void> {
    this.choices.microphoneOn = on
    await this.work(async (call) => {
      if (on) await this.openAndUnmute(call)
      else this.mute(call, true)
    })
  }

  async setCamera(on: boolean): Promise<void> {
    this.choices.cameraOn = on
    await this.work(async (call) => {
      if (on) await this.openCamera(call)
      else {
        this.cameraOn = this.cameraOpen = false
        await call.closeCamera()
      }
    })
  }

  async chooseMicrophone(deviceId: string): Promise<void> {
    this.choices.microphoneId = deviceId
    await this.work(async (call) => {
      if (!this.microphoneOpen) return
      this.microphoneOpen = false
      if (!(await this.openMicrophone(call))) this.mute(call, true)
    })
  }

  async chooseCamera(deviceId: string): Promise<void> {
    this.choices.cameraId = deviceId
    await this.work(async (call) => {
      if (this.cameraOn) await this.openCamera(call)
    })
  }

  async chooseSpeaker(deviceId: string): Promise<void> {
    this.choices.speakerId = deviceId
    await this.work((call) => call.chooseSpeaker(deviceId))
  }

  /** A device in use vanished: goes on with the default one. */
  lost(kind: CaptureKind): void {
    if (kind === 'microphone') {
      this.microphoneOpen = false
      this.choices.microphoneId = ''
      if (this.microphoneOn) void this.setMicrophone(true)
      return
    }
    this.choices.cameraId = ''
    if (this.cameraOn) void this.setCamera(true)
  }

  private async work(task: (call: Call) => Promise<void>): Promise<void> {
    const { call } = this
    if (!call) {
      // Between two calls only the choice is remembered; the next call starts with it.
      this.showChoices()
      this.onChange()
      return
    }
    const done = this.lastWork.then(async () => {
      if (call !== this.call) return
      await task(call)
      this.onChange()
    })
    this.lastWork = done.catch(() => undefined)
    await done
  }

  private async openAndUnmute(call: Call): Promise<void> {
    if ((await this.openMicrophone(call)) && call === this.call) this.mute(call, false)
  }

  private async openMicrophone(call: Call): Promise<boolean> {
    if (this.microphoneOpen) return true
    const opened = await this.open('microphone', this.choices.microphoneId, (id) => call.openMicrophone(id))
    if (call !== this.call) return false
    this.microphoneOpen = opened
    if (!opened) this.choices.microphoneOn = false
    return opened
  }

  private async openCamera(call: Call): Promise<void> {
    const opened = await this.open('camera', this.choices.cameraId, (id) => call.openCamera(id))
    if (call !== this.call) return
    this.cameraOn = this.cameraOpen = opened
    if (!opened) this.choices.cameraOn = false
  }

  /** Opens the chosen device, or the default one when the chosen one is gone. */
  private async open(kind: CaptureKind, deviceId: string, open: (id: string) => Promise<void>): Promise<boolean> {
    try {
      await open(deviceId).catch(async (error: unknown) => {
        if (deviceId === '' || captureProblem(error) !== 'missing') throw error
        await open('')
      })
      if (this.notice?.kind === kind) this.notice = undefined
      return true
    } catch (error) {
      this.notice = { kind, problem: captureProblem(error) }
      return false
    }
  }

  private mute(call: Call, muted: boolean): void {
    call.setMuted(muted)
    this.microphoneOn = !muted
    this.onMuted(muted)
  }

  private showChoices(): void {
    this.microphoneOn = this.choices.microphoneOn
    this.cameraOn = this.choices.cameraOn
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
