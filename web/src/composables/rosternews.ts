import { onScopeDispose, shallowRef, watch } from 'vue'
import type { Snapshot } from '@/meeting/engine'
import type { Participant } from '@/meeting/roster'
import { rosterNews, type RosterNews } from '@/meeting/rosternews'

/** Those who come in the first moments (ms) were there before us. */
const firstRosterMs = 2_000
/** Whoever comes in so short a time (ms) is told of together. */
const batchMs = 500
/** How long it is shown (ms). */
const shownMs = 5_000

/** Tells who came, went, and shares a screen; several at once in one piece. */
export function useRosterNews(snapshot: () => Snapshot) {
  const news = shallowRef<RosterNews>()
  let told: readonly Participant[] = []
  let connectedAt = Infinity
  let batchTimer: ReturnType<typeof setTimeout> | undefined
  let hideTimer: ReturnType<typeof setTimeout> | undefined

  function tell() {
    batchTimer = undefined
    const { participants, phase } = snapshot()
    const found = phase === 'connected' && Date.now() - connectedAt >= firstRosterMs ? rosterNews(told, participants) : undefined
    told = participants
    if (!found) return
    news.value = found
    clearTimeout(hideTimer)
    hideTimer = setTimeout(() => (news.value = undefined), shownMs)
  }

  watch(
    () => snapshot().phase,
    (phase) => (connectedAt = phase === 'connected' ? Date.now() : Infinity),
    { immediate: true },
  )
  watch(
    () => snapshot().participants,
    () => (batchTimer ??= setTimeout(tell, batchMs)),
  )
  onScopeDispose(() => {
    clearTimeout(batchTimer)
    clearTimeout(hideTimer)
  })
  return news
}
