import {
  ConsoleLogger,
  DefaultDeviceController,
  DefaultMeetingSession,
  LogLevel,
  MeetingSessionConfiguration,
  TargetDisplaySize,
  VideoPreference,
  VideoPreferences,
  VideoPriorityBasedPolicy,
  type AudioVideoObserver,
  type ContentShareObserver,
  type DefaultContentShareController,
  type DeviceChangeObserver,
  type MeetingSessionStatus,
  type VideoTileState,
} from 'amazon-chime-sdk-js'
import type { JoinInfo } from '@/api/meetings'
import type { Call, CallObserver, PictureSize, PictureWish } from './call'
import { listenForSpeech } from './speech'
import { stopCause } from './stopcause'
import { videoTile } from './videotile'

// Sent to everybody who receives this camera. The SDK scales it down as more people join.
const cameraWidth = 1280
const cameraHeight = 720
const cameraFrameRate = 24

/**
 * Opens a call with the conferencing SDK. This module is the only importer of the SDK's session and
 * is loaded on demand, since the SDK is larger than the rest of the client.
 */
export function openChimeCall(info: JoinInfo, observer: CallObserver): Call {
  const logger = new ConsoleLogger('carillon', LogLevel.WARN)
  const configuration = new MeetingSessionConfiguration(info.meeting, info.attendee)
  const downlink = new VideoPriorityBasedPolicy(logger)
  configuration.videoDownlinkBandwidthPolicy = downlink
  configuration.enableSimulcastForUnifiedPlanChromiumBasedBrowsers = true
  const devices = new DefaultDeviceController(logger, { enableWebAudio: false })
  const session = new DefaultMeetingSession(configuration, logger, devices)
  return new ChimeCall(session, devices, downlink, observer)
}

class ChimeCall implements Call, AudioVideoObserver, DeviceChangeObserver, ContentShareObserver {
  readonly selfId: string
  readonly selfExternalId: string
  private readonly session: DefaultMeetingSession
  private readonly devices: DefaultDeviceController
  private readonly downlink: VideoPriorityBasedPolicy
  private readonly observer: CallObserver
  private readonly heard = new Set<string>()
  private started = false
  private finished = false
  private onFinished: (() => void) | undefined
  private cameraOpen = false
  private microphoneOpen = false
  private muted = true
  private stopListening: (() => void) | undefined
  private sharing = false

  constructor(session: DefaultMeetingSession, devices: DefaultDeviceController, downlink: VideoPriorityBasedPolicy, observer: CallObserver) {
    this.session = session
    this.devices = devices
    this.downlink = downlink
    this.observer = observer
    this.selfId = session.configuration.credentials?.attendeeId ?? ''
    this.selfExternalId = session.configuration.credentials?.externalUserId ?? ''
  }

  start(): void {
    const { audioVideo } = this.session
    this.started = true
    audioVideo.addObserver(this)
    audioVideo.addDeviceChangeObserver(this)
    audioVideo.addContentShareObserver(this)
    this.shareSession().addObserver(this.shareEnd)
    audioVideo.realtimeSubscribeToAttendeeIdPresence(this.onPresence)
    audioVideo.start()
  }

  async stop(): Promise<void> {
    if (!this.started) {
      // The SDK does not report the end of what never began.
      this.finished = true
      await this.release()
      return
    }
    if (this.finished) return
    const done = new Promise<void>((resolve) => {
      this.onFinished = resolve
    })
    // First the screen: as long as the call is there, the others see that it was ended, not lost.
    this.stopShare()
    this.session.audioVideo.stop()
    await done
  }

  async openMicrophone(deviceId: string): Promise<void> {
    await this.session.audioVideo.startAudioInput({
      ...deviceConstraint(deviceId),
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    })
    // The person may have answered the browser's question after leaving.
    if (this.finished) {
      await this.session.audioVideo.stopAudioInput()
      return
    }
    this.microphoneOpen = true
    await this.listenWhileMuted()
  }

  setMuted(muted: boolean): void {
    if (muted) this.session.audioVideo.realtimeMuteLocalAudio()
    else this.session.audioVideo.realtimeUnmuteLocalAudio()
    this.muted = muted
    void this.listenWhileMuted()
  }

  async openCamera(deviceId: string): Promise<void> {
    const { audioVideo } = this.session
    await audioVideo.startVideoInput({
      ...deviceConstraint(deviceId),
      width: { ideal: cameraWidth },
      height: { ideal: cameraHeight },
      frameRate: { ideal: cameraFrameRate },
    })
    if (this.finished) {
      await audioVideo.stopVideoInput()
      return
    }
    this.cameraOpen = true
    audioVideo.startLocalVideoTile()
  }

  async closeCamera(): Promise<void> {
    this.cameraOpen = false
    this.session.audioVideo.stopLocalVideoTile()
    await this.session.audioVideo.stopVideoInput()
  }

  startShare(screen: MediaStream): void {
    this.sharing = true
    void this.session.audioVideo.startContentShare(screen)
  }

  stopShare(): void {
    if (this.sharing) this.session.audioVideo.stopContentShare()
  }

  watch(wishes: readonly PictureWish[]): void {
    const preferences = VideoPreferences.prepare()
    for (const { attendeeId, size } of wishes) preferences.add(new VideoPreference(attendeeId, rank[size], displaySize[size]))
    this.downlink.chooseRemoteVideoSources(preferences.build())
  }

  async bindAudio(element: HTMLAudioElement): Promise<void> {
    await this.session.audioVideo.bindAudioElement(element)
  }

  async chooseSpeaker(deviceId: string): Promise<void> {
    await this.session.audioVideo.chooseAudioOutput(deviceId === '' ? null : deviceId)
  }

  bindVideo(tileId: number, element: HTMLVideoElement): void {
    const { audioVideo } = this.session
    // A tile may be gone before the page has heard of it.
    if (audioVideo.getVideoTile(tileId)) audioVideo.bindVideoElement(tileId, element)
  }

  unbindVideo(tileId: number): void {
    const { audioVideo } = this.session
    if (audioVideo.getVideoTile(tileId)) audioVideo.unbindVideoElement(tileId)
  }

  // AudioVideoObserver

  audioVideoDidStartConnecting(reconnecting: boolean): void {
    if (reconnecting && !this.finished) this.observer.reconnecting()
  }

  audioVideoDidStart(): void {
    if (!this.finished) this.observer.connected()
  }

  audioVideoDidStop(status: MeetingSessionStatus): void {
    // Some refusals are reported twice.
    if (this.finished) return
    this.finished = true
    this.release().catch((error: unknown) => {
      console.warn('a device could not be released', error)
    })
    this.observer.stopped(stopCause(status.statusCode()))
    this.onFinished?.()
  }

  connectionDidBecomePoor(): void {
    if (!this.finished) this.observer.connectionQuality(true)
  }

  connectionDidSuggestStopVideo(): void {
    this.connectionDidBecomePoor()
  }

  connectionDidBecomeGood(): void {
    if (!this.finished) this.observer.connectionQuality(false)
  }

  videoTileDidUpdate(state: VideoTileState): void {
    const tile = videoTile(state)
    if (tile) this.observer.tileChanged(tile)
  }

  videoTileWasRemoved(tileId: number): void {
    this.observer.tileRemoved(tileId)
  }

  // DeviceChangeObserver

  audioInputStreamEnded(): void {
    if (!this.finished) this.observer.deviceLost('microphone')
  }

  videoInputStreamEnded(): void {
    if (!this.finished && this.cameraOpen) this.observer.deviceLost('camera')
  }

  // ContentShareObserver

  contentShareDidStart(): void {
    if (!this.finished) this.observer.shareStarted()
  }

  /** Why a share is over is told only by the connection that carried it. */
  private readonly shareEnd: AudioVideoObserver = {
    audioVideoDidStop: (status) => {
      if (!this.sharing) return
      this.sharing = false
      if (!this.finished) this.observer.shareStopped(stopCause(status.statusCode()))
    },
  }

  private shareSession() {
    return (this.session.contentShare as DefaultContentShareController)['contentAudioVideo']
  }

  private async listenWhileMuted(): Promise<void> {
    this.stopListening?.()
    this.stopListening = undefined
    if (!this.muted || !this.microphoneOpen || this.finished) return
    const microphone = await this.devices.acquireAudioInputStream()
    // Much can have happened meanwhile.
    if (!this.muted || this.finished || this.stopListening) return
    this.stopListening = listenForSpeech(microphone, () => this.observer.spokeMuted())
  }

  private readonly onPresence = (attendeeId: string, present: boolean, externalUserId?: string): void => {
    this.observer.presence(attendeeId, externalUserId ?? '', present)
    const { audioVideo } = this.session
    if (present && !this.heard.has(attendeeId)) {
      this.heard.add(attendeeId)
      audioVideo.realtimeSubscribeToVolumeIndicator(attendeeId, this.onVolume)
    } else if (!present && this.heard.delete(attendeeId)) {
      audioVideo.realtimeUnsubscribeFromVolumeIndicator(attendeeId, this.onVolume)
    }
  }

  private readonly onVolume = (attendeeId: string, volume: number | null, muted: boolean | null): void => {
    this.observer.volume(attendeeId, volume ?? undefined, muted ?? undefined)
  }

  /** Lets go of camera, microphone and every listener, so that the browser's recording mark goes out. */
  private async release(): Promise<void> {
    const { audioVideo } = this.session
    this.stopListening?.()
    this.stopListening = undefined
    this.stopShare()
    audioVideo.removeContentShareObserver(this)
    audioVideo.removeObserver(this)
    audioVideo.removeDeviceChangeObserver(this)
    audioVideo.realtimeUnsubscribeToAttendeeIdPresence(this.onPresence)
    audioVideo.unbindAudioElement()
    await audioVideo.stopAudioInput()
    await audioVideo.stopVideoInput()
    await this.devices.destroy()
  }
}

/** The larger it is shown, the longer a picture keeps its quality when the connection gets worse. 1 is the most important. */
const rank: Record<PictureSize, number> = { maximum: 1, high: 2, medium: 3, low: 4 }

const displaySize: Record<PictureSize, TargetDisplaySize> = {
  maximum: TargetDisplaySize.Maximum,
  high: TargetDisplaySize.High,
  medium: TargetDisplaySize.Medium,
  low: TargetDisplaySize.Low,
}

function deviceConstraint(deviceId: string): MediaTrackConstraints {
  return deviceId === '' ? {} : { deviceId: { exact: deviceId } }
}
