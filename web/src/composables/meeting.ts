import { onScopeDispose, shallowRef, watch } from 'vue'
import { joinMeeting } from '@/api/meetings'
import { pickScreen } from '@/meeting/devices'
import { MeetingEngine, type Snapshot } from '@/meeting/engine'
import type { Preferences } from '@/stores/preferences'

/**
 * The meeting engine for one page: its snapshots as a reactive value, and its end with the page.
 * The engine itself is never made reactive; it holds the SDK's session and media elements.
 */
export function useMeeting(id: string, name: () => string, preferences: Preferences) {
  const engine = new MeetingEngine({
    join: () => joinMeeting(id, name()),
    openCall: async (info, observer) => (await loadCall()).openChimeCall(info, observer),
    choices: () => preferences,
    pickScreen,
    onChange: (next) => {
      snapshot.value = next
    },
  })
  const snapshot = shallowRef<Snapshot>(engine.snapshot())

  const retry = () => engine.retryNow()
  const leave = () => void engine.leave()
  window.addEventListener('online', retry)
  // Tells the others at once instead of letting them see a frozen picture.
  window.addEventListener('pagehide', leave)
  onScopeDispose(() => {
    window.removeEventListener('online', retry)
    window.removeEventListener('pagehide', leave)
    leave()
  })

  // What is switched in the call is how the next call begins.
  watch(snapshot, ({ phase, microphoneOn, cameraOn }) => {
    if (phase === 'connected') Object.assign(preferences, { microphoneOn, cameraOn })
  })

  return { engine, snapshot }
}

/** The conferencing SDK is large: loaded when a meeting is opened, ready when Join is pressed. */
export function loadCall() {
  return import('@/meeting/chimecall')
}
