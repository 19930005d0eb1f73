import { onScopeDispose } from 'vue'

export interface Shortcuts {
  /** Act while nobody types. */
  single: Record<string, () => void>
  /** Act with Ctrl or, on a Mac, with Command; also while somebody types. */
  withControl?: Record<string, () => void>
  /** Whether single keys are switched on. */
  singleKeys?: () => boolean
}

/** Keys of a page, for as long as the scope lives. None acts while a dialog is open. */
export function useShortcuts({ single, withControl = {}, singleKeys = () => true }: Shortcuts): void {
  const onKey = (event: KeyboardEvent) => {
    if (event.repeat || event.altKey || event.isComposing || document.querySelector('.v-overlay--active[role="dialog"]')) return
    const act = event.ctrlKey || event.metaKey ? control(event) : alone(event)
    if (!act) return
    // Some of them belong to the browser elsewhere: Ctrl+D makes a bookmark.
    event.preventDefault()
    act()
  }
  const control = (event: KeyboardEvent) => (event.shiftKey ? undefined : withControl[event.key.toLowerCase()])
  const alone = (event: KeyboardEvent) => (singleKeys() && !isTyping(event.target) ? single[event.key.toLowerCase()] : undefined)
  window.addEventListener('keydown', onKey)
  onScopeDispose(() => window.removeEventListener('keydown', onKey))
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
}
