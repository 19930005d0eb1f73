/** What can be chosen, by kind. Labels are empty until the person allowed a device once. */
export interface DeviceList {
  microphones: readonly MediaDeviceInfo[]
  cameras: readonly MediaDeviceInfo[]
  speakers: readonly MediaDeviceInfo[]
}

export const noDevices: DeviceList = { microphones: [], cameras: [], speakers: [] }

/** Lists the devices; none on an insecure page, where browsers hide the interface. */
export async function listDevices(): Promise<DeviceList> {
  // Undefined on insecure pages, whatever the types say.
  const media = navigator.mediaDevices as MediaDevices | undefined
  const devices = (await media?.enumerateDevices()) ?? []
  const ofKind = (kind: MediaDeviceKind) => devices.filter((device) => device.kind === kind && device.deviceId !== '')
  return {
    microphones: ofKind('audioinput'),
    cameras: ofKind('videoinput'),
    // Without setSinkId the browser plays where the system says.
    speakers: 'setSinkId' in HTMLMediaElement.prototype ? ofKind('audiooutput') : [],
  }
}

/** Opens one camera or microphone for the preview, or the default one when the chosen one is gone. */
export async function openDevice(kind: 'camera' | 'microphone', deviceId: string): Promise<MediaStream> {
  const media = navigator.mediaDevices as MediaDevices | undefined
  if (!media) throw new Error('no media devices on an insecure page')
  const open = (constraint: MediaTrackConstraints) =>
    media.getUserMedia(kind === 'camera' ? { video: { ...constraint, width: { ideal: 1280 }, height: { ideal: 720 } } } : { audio: constraint })
  if (deviceId === '') return open({})
  try {
    return await open({ deviceId: { exact: deviceId } })
  } catch (error) {
    if (error instanceof DOMException && (error.name === 'OverconstrainedError' || error.name === 'NotFoundError')) return open({})
    throw error
  }
}

/** Whether this browser can share a screen at all; those of phones cannot. */
export function canShareScreen(): boolean {
  return typeof (navigator.mediaDevices as MediaDevices | undefined)?.getDisplayMedia === 'function'
}

/** Asks which tab, window or screen to share. */
export function pickScreen(): Promise<MediaStream> {
  const options = {
    video: { frameRate: { max: 30 } },
    // What a tab plays is music and film as often as speech: left as it is.
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    // The sound of the whole system would hold this call, and everybody would hear himself.
    systemAudio: 'exclude',
    // A picture of the call in the call has no end.
    selfBrowserSurface: 'exclude',
    surfaceSwitching: 'include',
  }
  return navigator.mediaDevices.getDisplayMedia(options)
}

export function stopStream(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
}

/** Whether devices can be opened without the browser asking: undefined when it does not say. */
export async function permitted(name: 'camera' | 'microphone'): Promise<PermissionState | undefined> {
  try {
    return (await navigator.permissions.query({ name: name as PermissionName })).state
  } catch {
    return undefined // the browser does not know this permission
  }
}

/** Plays half a second of a soft tone on the given speaker. */
export async function playTestTone(speakerId: string): Promise<void> {
  const context = new AudioContext()
  try {
    const oscillator = context.createOscillator()
    const gain = context.createGain()
    const target = context.createMediaStreamDestination()
    oscillator.frequency.value = 523.25
    gain.gain.setValueAtTime(0, context.currentTime)
    gain.gain.linearRampToValueAtTime(0.3, context.currentTime + 0.05)
    gain.gain.linearRampToValueAtTime(0, context.currentTime + 0.6)
    oscillator.connect(gain).connect(target)
    const player = new Audio()
    player.srcObject = target.stream
    if (speakerId !== '' && 'setSinkId' in player) await player.setSinkId(speakerId).catch(() => undefined)
    await player.play()
    oscillator.start()
    oscillator.stop(context.currentTime + 0.65)
    await new Promise((resolve) => oscillator.addEventListener('ended', resolve))
  } finally {
    await context.close()
  }
}
