// The narrow view of a running call that the engine works with. chimecall.ts implements it with the
// conferencing SDK; tests implement it with a few lines.

/** Why a call is over, as far as the person or the engine must know. */
export type StopCause =
  /** We asked for it. */
  | 'left'
  /** The conference was ended. */
  | 'ended'
  /** The same attendee joined from another window or device. */
  | 'elsewhere'
  /** This attendee was removed. */
  | 'removed'
  /** No place is left in the conference. */
  | 'full'
  /** The join token is no longer good; a new one may be. */
  | 'rejected'
  /** The connection failed and the call gave up restoring it. */
  | 'lost'

export interface VideoTile {
  tileId: number
  attendeeId: string
  /** False while the sender has no picture (any more). */
  active: boolean
  /** Natural size in pixels, 0 before the first frame. */
  width: number
  height: number
  /** The server holds the picture back, because the connection has no room for it. */
  held: boolean
  /** The sender does not get through: the picture stands still. */
  stalled: boolean
}

/** From a face in a strip to a screen that is to be read. */
export type PictureSize = 'low' | 'medium' | 'high' | 'maximum'

export interface PictureWish {
  attendeeId: string
  size: PictureSize
}

/** What a call reports. Every method is called asynchronously, never from within a method of Call. */
export interface CallObserver {
  /** The call lost its connection and is restoring it by itself. */
  reconnecting(): void
  connected(): void
  /** The call is over and reports nothing more. */
  stopped(cause: StopCause): void
  presence(attendeeId: string, externalUserId: string, present: boolean): void
  /** volume in [0, 1]; a value that is undefined has not changed. */
  volume(attendeeId: string, volume: number | undefined, muted: boolean | undefined): void
  tileChanged(tile: VideoTile): void
  tileRemoved(tileId: number): void
  /** A capture device in use vanished (unplugged or revoked). */
  deviceLost(kind: CaptureKind): void
  /** Somebody speaks into the microphone although it is off; repeated as long as it lasts. */
  spokeMuted(): void
  /** Sound gets lost on the way to us, or does so no more. */
  connectionQuality(poor: boolean): void
  /** The others can see the shared screen. */
  shareStarted(): void
  /** The shared screen is over, also when it never began; the call itself goes on. */
  shareStopped(cause: StopCause): void
}

export type CaptureKind = 'microphone' | 'camera'

/** A call that has been opened but says nothing before start. Device ids are those of the browser; '' is its default. */
export interface Call {
  readonly selfId: string
  readonly selfExternalId: string
  start(): void
  /** Leaves. Resolves when the server confirmed or did not answer in time. */
  stop(): Promise<void>
  /** Captures from the device and sends it. Rejects with the browser's DOMException-like error. */
  openMicrophone(deviceId: string): Promise<void>
  setMuted(muted: boolean): void
  openCamera(deviceId: string): Promise<void>
  closeCamera(): Promise<void>
  /** Sends a screen with its sound to the others; ends the stream when it is over. One at a time. */
  startShare(screen: MediaStream): void
  stopShare(): void
  /** Receives these pictures only, and no larger than they are shown. Without wishes everything is received. */
  watch(wishes: readonly PictureWish[]): void
  bindAudio(element: HTMLAudioElement): Promise<void>
  chooseSpeaker(deviceId: string): Promise<void>
  bindVideo(tileId: number, element: HTMLVideoElement): void
  unbindVideo(tileId: number): void
}
