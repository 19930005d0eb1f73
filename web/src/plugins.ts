import { useI18n } from 'vue-i18n'
import { createVuetify, type ThemeDefinition } from 'vuetify'
import { aliases, mdi } from 'vuetify/iconsets/mdi-svg'
import { createVueI18nAdapter } from 'vuetify/locale/adapters/vue-i18n'
import { i18n } from './i18n'

// Labels and hints stay readable: WCAG asks for a contrast of 4.5, and the default of 0.6 misses that on white.
const variables = { 'medium-emphasis-opacity': 0.7 }

const light: ThemeDefinition = {
  dark: false,
  variables,
  colors: {
    background: '#f6f7f5',
    surface: '#ffffff',
    primary: '#0b6e66',
    'on-primary': '#ffffff',
    secondary: '#51615f',
    error: '#b3261e',
    success: '#1a7f4b',
    warning: '#8a5a00',
  },
}

const dark: ThemeDefinition = {
  dark: true,
  variables,
  colors: {
    background: '#111514',
    surface: '#1a201f',
    primary: '#6fd5c9',
    'on-primary': '#00312d',
    secondary: '#b3c7c4',
    error: '#ff8f85',
    success: '#6fd59b',
    warning: '#f0c06a',
  },
}

export const vuetify = createVuetify({
  locale: { adapter: createVueI18nAdapter({ i18n, useI18n }) },
  icons: { defaultSet: 'mdi', aliases, sets: { mdi } },
  theme: { defaultTheme: 'light', themes: { light, dark } },
  defaults: {
    VBtn: { rounded: 'pill', variant: 'flat', style: 'text-transform: none; letter-spacing: 0' },
    VCard: { rounded: 'lg' },
    VTextField: { variant: 'outlined' },
    VTextarea: { variant: 'outlined' },
    VSelect: { variant: 'outlined' },
  },
})
