import { onScopeDispose, shallowRef } from 'vue'
import { listDevices, noDevices, type DeviceList } from '@/meeting/devices'

/** The devices of this computer, kept true while the scope lives. */
export function useDevices() {
  const devices = shallowRef<DeviceList>(noDevices)

  async function refresh(): Promise<void> {
    devices.value = await listDevices().catch(() => noDevices)
  }

  const media = navigator.mediaDevices as MediaDevices | undefined
  const onChange = () => void refresh()
  media?.addEventListener('devicechange', onChange)
  onScopeDispose(() => media?.removeEventListener('devicechange', onChange))
  void refresh()
  return { devices, refresh }
}
