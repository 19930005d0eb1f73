import type { Router } from 'vue-router'

/** The address to give to others; it stays the same for the life of the meeting. */
export function meetingLink(router: Router, id: string): string {
  return new URL(router.resolve({ name: 'meeting', params: { id } }).href, window.location.href).href
}
