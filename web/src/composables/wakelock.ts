import { onScopeDispose } from 'vue'

/** Keeps the screen on while the scope lives; phones would cut the camera. Does nothing where it is not possible. */
export function useWakeLock(): void {
  let lock: WakeLockSentinel | undefined
  let done = false

  async function request(): Promise<void> {
    if (done || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return
    try {
      lock = await navigator.wakeLock.request('screen')
      if (done) await lock.release()
    } catch {
      // Refused, for example with a low battery.
    }
  }

  // The browser takes the lock away whenever the page is hidden.
  const onVisible = () => void request()
  document.addEventListener('visibilitychange', onVisible)
  void request()
  onScopeDispose(() => {
    done = true
    document.removeEventListener('visibilitychange', onVisible)
    void lock?.release()
  })
}
