import { en as vuetifyEn, ja as vuetifyJa } from 'vuetify/locale'
import { createI18n } from 'vue-i18n'
import { en } from './locales/en'
import { ja } from './locales/ja'

export type Language = 'en' | 'ja'

/** Each language by its own name. */
export const languages: readonly { value: Language; title: string }[] = [
  { value: 'en', title: 'English' },
  { value: 'ja', title: '日本語' },
]

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  // Vuetify's own few words (pagination, clear buttons …) come from the same place.
  messages: { en: { ...en, $vuetify: vuetifyEn }, ja: { ...ja, $vuetify: vuetifyJa } },
})

/** The best of our languages for what the browser asks for. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split('-')[0]
    const found = languages.find(({ value }) => value === primary)
    if (found) return found.value
  }
  return 'en'
}
