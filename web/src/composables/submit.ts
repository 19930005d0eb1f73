import { ref, shallowRef } from 'vue'
import { asApiError, type ApiError } from '@/api/errors'
import { useSession } from '@/stores/session'

/** One action of a form: runs once at a time and keeps its refusal to be shown. */
export function useSubmit() {
  const session = useSession()
  const busy = ref(false)
  const error = shallowRef<ApiError>()

  /** Returns whether the action succeeded. */
  async function submit(action: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    error.value = undefined
    try {
      await action()
      return true
    } catch (cause) {
      error.value = asApiError(cause)
      // Being refused as a stranger on a page for members means that the session is over.
      if (error.value.code === 'UNAUTHENTICATED' && session.account && error.value.field === undefined) session.expired()
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, error, submit }
}
