import type { ObjectDirective } from 'vue'

/**
 * Puts data-testid on the input inside a Vuetify field. Vuetify leaves data attributes on the
 * wrapping element, where a test can neither fill nor focus.
 */
export const vInputTestId: ObjectDirective<HTMLElement, string> = {
  mounted(element, { value }) {
    element.querySelector('input, textarea')?.setAttribute('data-testid', value)
  },
}
