import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { captureProblem, type CaptureProblem } from '@/meeting/captureproblem'
import { openDevice, permitted, stopStream } from '@/meeting/devices'
import type { Preferences } from '@/stores/preferences'

/**
 * Camera and microphone as they will be in the call, before there is one. Nothing is opened before
 * the person agreed: either earlier (the browser remembers it) or by allow().
 */
export function usePreview(preferences: Preferences, onOpened: () => void) {
  const camera = useCapture('camera')
  const microphone = useCapture('microphone')
  const allowed = ref(false)
  /** Whether the person is to be asked; undefined while that is not known. */
  const asking = ref<boolean>()

  function useCapture(kind: 'camera' | 'microphone') {
    const stream = shallowRef<MediaStream>()
    const problem = ref<CaptureProblem>()
    let turn = 0

    async function apply(on: boolean, deviceId: string): Promise<void> {
      const mine = ++turn
      stopStream(stream.value)
      stream.value = undefined
      problem.value = undefined
      if (!on) return
      try {
        const opened = await openDevice(kind, deviceId)
        if (mine === turn) stream.value = opened
        else stopStream(opened)
        onOpened()
      } catch (error) {
        if (mine === turn) problem.value = captureProblem(error)
      }
    }

    function close(): void {
      turn++
      stopStream(stream.value)
      stream.value = undefined
    }
    onScopeDispose(close)
    return { stream, problem, apply, close }
  }

  watch(
    () => [allowed.value, preferences.cameraOn, preferences.cameraId] as const,
    ([may, on, deviceId]) => void (may && camera.apply(on, deviceId)),
  )
  watch(
    () => [allowed.value, preferences.microphoneOn, preferences.microphoneId] as const,
    ([may, on, deviceId]) => void (may && microphone.apply(on, deviceId)),
  )

  async function check(): Promise<void> {
    const states = await Promise.all([permitted('camera'), permitted('microphone')])
    // A refusal is shown by trying; only an open question deserves a word before it.
    asking.value = states.some((state) => state === 'prompt' || state === undefined)
    if (!asking.value) allowed.value = true
  }
  void check()

  function allow(): void {
    asking.value = false
    allowed.value = true
  }

  /** Tries the devices that failed again. */
  function retry(): void {
    if (camera.problem.value) void camera.apply(preferences.cameraOn, preferences.cameraId)
    if (microphone.problem.value) void microphone.apply(preferences.microphoneOn, preferences.microphoneId)
  }

  function close(): void {
    camera.close()
    microphone.close()
  }

  return { camera, microphone, asking, allow, retry, close }
}
