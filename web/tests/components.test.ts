import { mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, nextTick } from 'vue'
import type { Meeting } from '@/api/meetings'
import EndedPanel from '@/components/meeting/EndedPanel.vue'
import ParticipantTile from '@/components/meeting/ParticipantTile.vue'
import MeetingCard from '@/components/MeetingCard.vue'
import { useShortcuts } from '@/composables/shortcuts'
import { i18n } from '@/i18n'
import type { MeetingEngine } from '@/meeting/engine'
import type { Participant } from '@/meeting/roster'
import { vuetify } from '@/plugins'
import { router } from '@/router'
import SignInView from '@/views/SignInView.vue'

let mounted: VueWrapper | undefined
const show: typeof mount = ((component: never, options: object = {}) => {
  mounted = mount(component, { global: { plugins: [vuetify, i18n, router, createPinia()] }, attachTo: document.body, ...options })
  return mounted
}) as never

beforeAll(() => {
  i18n.global.locale.value = 'en'
})
beforeEach(() => {
  setActivePinia(createPinia())
  // The router asks who is signed in; here nobody answers.
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network in tests')))
})
afterEach(() => {
  mounted?.unmount()
  vi.unstubAllGlobals()
})

const testId = (name: string) => `[data-testid="${name}"]`

describe('meeting card', () => {
  const meeting: Meeting = {
    id: 'm1', meetingId: '', title: '<b>Plan</b>', description: null, createdAt: '2026-01-01T10:00:00.000Z', updatedAt: '2026-01-01T10:00:00.000Z', owner: 'o',
  }

  it('offers change and deletion only to those who may', () => {
    const other = show(MeetingCard, { props: { meeting, own: false, editable: false } })
    expect(other.find(testId('join')).attributes('href')).toBe('/m/m1')
    expect(other.find(testId('edit')).exists()).toBe(false)
    expect(other.find(testId('delete')).exists()).toBe(false)
    other.unmount()
    const owner = show(MeetingCard, { props: { meeting, own: true, editable: true } })
    expect(owner.find(testId('edit')).exists()).toBe(true)
    expect(owner.find(testId('delete')).exists()).toBe(true)
  })

  it('shows a title as text, whatever is in it', () => {
    const card = show(MeetingCard, { props: { meeting, own: false, editable: false } })
    expect(card.find('h2').text()).toBe('<b>Plan</b>')
    expect(card.find(testId('meeting-card')).attributes('data-meeting-id')).toBe('m1')
  })
})

describe('ended panel', () => {
  it.each([
    ['left', undefined, 'You left the meeting', 'Rejoin'],
    ['ended', undefined, 'The host ended the meeting', 'Rejoin'],
    ['elsewhere', undefined, 'You joined from another window or device', 'Use here'],
    ['removed', undefined, 'The host removed you from the meeting', 'Rejoin'],
    ['failed', 'full', 'The meeting is full.', 'Try again'],
  ] as const)('%s %s', async (reason, detail, text, action) => {
    const panel = show(EndedPanel, { props: { reason, detail, title: 'Plan', rejoinable: true } })
    expect(panel.find(testId('ended-reason')).attributes('data-reason')).toBe(reason)
    expect(panel.text()).toContain(text)
    expect(panel.find(testId('rejoin')).text()).toBe(action)
    expect(document.activeElement?.tagName).toBe('H1')
    await panel.find(testId('rejoin')).trigger('click')
    expect(panel.emitted('rejoin')).toHaveLength(1)
  })

  it('has no way back into a meeting that is gone', () => {
    const panel = show(EndedPanel, { props: { reason: 'ended', detail: undefined, title: 'Plan', rejoinable: false } })
    expect(panel.find(testId('rejoin')).exists()).toBe(false)
  })
})

describe('participant tile', () => {
  const person: Participant = {
    attendeeId: 'a1', name: 'Ann Lee', self: false, content: false, muted: false, speaking: false, tileId: undefined, portrait: false,
    held: false, stalled: false,
  }

  it('binds and lets go of the picture as it comes, changes and goes', async () => {
    const engine = { bindVideo: vi.fn(), unbindVideo: vi.fn(), show: vi.fn(), hide: vi.fn() }
    const tile = show(ParticipantTile, { props: { participant: person, engine: engine as unknown as MeetingEngine, veiled: false, pinned: false } })
    expect(tile.find('video').exists()).toBe(false)
    expect(tile.text()).toContain('AL')

    await tile.setProps({ participant: { ...person, tileId: 4 } })
    await nextTick()
    expect(engine.bindVideo).toHaveBeenLastCalledWith(4, tile.find('video').element)
    await tile.setProps({ participant: { ...person, tileId: 5 } })
    expect(engine.unbindVideo).toHaveBeenLastCalledWith(4)
    expect(engine.bindVideo).toHaveBeenLastCalledWith(5, tile.find('video').element)
    await tile.setProps({ participant: person })
    expect(engine.unbindVideo).toHaveBeenLastCalledWith(5)
    expect(tile.find('video').exists()).toBe(false)
    tile.unmount()
    expect(engine.hide).toHaveBeenLastCalledWith('a1')
  })

  it('says that a picture is held back', () => {
    const engine = { bindVideo: vi.fn(), unbindVideo: vi.fn(), show: vi.fn(), hide: vi.fn() } as unknown as MeetingEngine
    const tile = show(ParticipantTile, { props: { participant: { ...person, tileId: 4, held: true }, engine, veiled: false, pinned: false } })
    expect(tile.find(testId('tile-held')).text()).toContain('too weak')
  })

  it('says that nothing arrives from somebody, unless the own connection is why', () => {
    const engine = { bindVideo: vi.fn(), unbindVideo: vi.fn(), show: vi.fn(), hide: vi.fn() } as unknown as MeetingEngine
    const stalled = { ...person, tileId: 4, stalled: true }
    const tile = show(ParticipantTile, { props: { participant: stalled, engine, veiled: false, pinned: false } })
    expect(tile.find(testId('tile-stalled')).text()).toContain('Ann Lee')
    const both = show(ParticipantTile, { props: { participant: { ...stalled, held: true }, engine, veiled: false, pinned: false } })
    expect(both.find(testId('tile-stalled')).exists()).toBe(false)
    expect(both.find(testId('tile-held')).exists()).toBe(true)
  })

  it('says who it is and whether the microphone is off', async () => {
    const engine = { bindVideo: vi.fn(), unbindVideo: vi.fn(), show: vi.fn(), hide: vi.fn() } as unknown as MeetingEngine
    const tile = show(ParticipantTile, { props: { participant: { ...person, muted: true, self: true }, engine, veiled: false, pinned: false } })
    expect(tile.find(testId('tile')).attributes()).toMatchObject({ 'data-attendee-id': 'a1', 'data-self': 'true' })
    expect(tile.find(testId('tile-name')).text()).toBe('Ann Lee (you)')
    expect(tile.find(testId('tile-muted')).exists()).toBe(true)
  })
})

describe('sign-in', () => {
  it('has its test ids on the inputs and tells what is missing', async () => {
    const view = show(SignInView)
    expect(view.find(testId('sign-in-email')).element.tagName).toBe('INPUT')
    expect(view.find(testId('sign-in-password')).element.tagName).toBe('INPUT')
    await view.find('form').trigger('submit')
    expect(view.text()).toContain('Enter an e-mail address')
    expect(view.text()).toContain('Enter your password.')
  })
})

describe('shortcuts', () => {
  it('act, but not while somebody types or holds a modifier', () => {
    const mute = vi.fn()
    const view = show(defineComponent({ setup: () => useShortcuts({ single: { m: mute } }), template: '<input>', render: () => null }))
    const press = (init: KeyboardEventInit, target: EventTarget = window) =>
      target.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, ...init }))
    press({ key: 'm' })
    press({ key: 'M' })
    expect(mute).toHaveBeenCalledTimes(2)
    press({ key: 'm', ctrlKey: true })
    press({ key: 'm', repeat: true })
    const input = document.body.appendChild(document.createElement('input'))
    press({ key: 'm' }, input)
    input.remove()
    expect(mute).toHaveBeenCalledTimes(2)
    view.unmount()
    press({ key: 'm' })
    expect(mute).toHaveBeenCalledTimes(2)
  })
})
