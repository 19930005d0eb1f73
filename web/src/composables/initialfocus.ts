import type { ObjectDirective } from 'vue'

/**
 * Focuses a field or button as soon as it is on the page. Vuetify's own autofocus comes some time
 * later and would take the focus from somebody who is already typing in the next field.
 */
export const vInitialFocus: ObjectDirective<HTMLElement> = {
  mounted(element) {
    const target = element.matches('button') ? element : element.querySelector<HTMLElement>('input, textarea')
    target?.focus({ preventScroll: true })
  },
}
