import { defineStore } from 'pinia'
import { reactive, watch } from 'vue'
import { languages, preferredLanguage, type Language } from '@/i18n'

export type ThemeChoice = 'system' | 'light' | 'dark'

/** What one browser remembers; nothing of it is secret or needed by the server. */
export interface Preferences {
  language: Language
  theme: ThemeChoice
  microphoneOn: boolean
  cameraOn: boolean
  /** Device ids of this browser; '' is its default device. */
  microphoneId: string
  cameraId: string
  speakerId: string
  /** Whether single keys act in a call; who dictates or has a trembling hand may want them off. */
  singleKeys: boolean
}

const storageKey = 'carillon.preferences'

export const usePreferences = defineStore('preferences', () => {
  const preferences = reactive(load())
  watch(preferences, save, { deep: true })
  return { preferences }
})

function load(): Preferences {
  const stored = readStored()
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  return {
    language: languages.find(({ value }) => value === stored.language)?.value ?? preferredLanguage(navigator.languages),
    theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : 'system',
    microphoneOn: stored.microphoneOn !== false,
    cameraOn: stored.cameraOn !== false,
    microphoneId: text(stored.microphoneId),
    cameraId: text(stored.cameraId),
    speakerId: text(stored.speakerId),
    singleKeys: stored.singleKeys !== false,
  }
}

function readStored(): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '{}')
    return value instanceof Object ? (value as Record<string, unknown>) : {}
  } catch {
    return {} // storage is off, or somebody wrote something else there
  }
}

function save(preferences: Preferences): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(preferences))
  } catch {
    // Storage is off or full: the choice holds until the page is left.
  }
}
