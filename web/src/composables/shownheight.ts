import { onBeforeUnmount, watch, type Ref } from 'vue'

/** Reports the height of an element in device pixels whenever it changes, as long as the component lives. */
export function useShownHeight(element: Readonly<Ref<HTMLElement | null>>, report: (height: number) => void): void {
  const observer = new ResizeObserver(([entry]) => {
    if (entry) report(entry.contentRect.height * window.devicePixelRatio)
  })
  watch(
    element,
    (now, before) => {
      if (before) observer.unobserve(before)
      if (now) observer.observe(now)
    },
    { flush: 'post', immediate: true },
  )
  onBeforeUnmount(() => {
    observer.disconnect()
  })
}
