import { onScopeDispose, ref } from 'vue'

/** Copies a link and says for a moment how that went. */
export function useCopy(text: () => string) {
  const result = ref<'copied' | 'failed'>()
  let timer: ReturnType<typeof setTimeout> | undefined

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text())
      result.value = 'copied'
    } catch {
      result.value = 'failed' // not a secure page, or the browser does not allow it
    }
    clearTimeout(timer)
    // A link that has to be copied by hand takes longer.
    timer = setTimeout(() => (result.value = undefined), result.value === 'copied' ? 4_000 : 20_000)
  }
  onScopeDispose(() => clearTimeout(timer))
  return { result, copy }
}
