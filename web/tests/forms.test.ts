import { describe, expect, it } from 'vitest'
import { ApiError } from '@/api/errors'
import { errorText } from '@/composables/errortext'
import { emailProblem, lengthOf, nameProblem, newPasswordProblem } from '@/composables/rules'
import { i18n } from '@/i18n'
import { afterSignIn } from '@/router'

describe('rules', () => {
  it('count characters, not code units', () => {
    expect(lengthOf('日本👍')).toBe(3)
    expect(nameProblem('👍'.repeat(100))).toBeUndefined()
    expect(nameProblem('👍'.repeat(101))).toBe('fields.nameTooLong')
  })

  it.each([
    ['ann@example.com', true],
    [' ann@example.com ', true],
    ['ann@localhost', true],
    ['ann', false],
    ['ann@', false],
    ['a b@c', false],
    ['', false],
  ])('e-mail %j: %s', (email, good) => {
    expect(emailProblem(email) === undefined).toBe(good)
  })

  it.each([
    ['1234567', false],
    ['12345678', true],
    ['x'.repeat(256), true],
    ['x'.repeat(257), false],
  ])('password %j: %s', (password, good) => {
    expect(newPasswordProblem(password) === undefined).toBe(good)
  })

  it('a name of spaces is none', () => {
    expect(nameProblem('   ')).toBe('fields.nameRequired')
  })
})

describe('after signing in', () => {
  it.each([
    ['/m/1?x=y', '/m/1?x=y'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example', '/'],
    [undefined, '/'],
    [['/a', '/b'], '/'],
  ])('%j leads to %s', (next, target) => {
    expect(afterSignIn({ query: next === undefined ? {} : { next } })).toBe(target)
  })
})

describe('error text', () => {
  const t = (key: string, values?: Record<string, unknown>) => i18n.global.t(key, values ?? {})

  it('prefers what the code means on this screen', () => {
    expect(errorText(t, new ApiError('UNAUTHENTICATED', 'x'), { UNAUTHENTICATED: 'errors.signInRefused' })).toBe(
      'E-mail address or password is wrong.',
    )
  })

  it('prefers what it means for the field even more', () => {
    const error = new ApiError('INVALID', 'x', 'oldPassword')
    const texts = { INVALID: 'errors.wrongCode', 'INVALID:oldPassword': 'errors.wrongPassword' }
    expect(errorText(t, error, texts)).toBe('The current password is wrong.')
  })

  it('says how long to wait', () => {
    expect(errorText(t, new ApiError('THROTTLED', 'x', undefined, 12))).toContain('12 seconds')
  })

  it('never shows the internal text of the server', () => {
    expect(errorText(t, new ApiError('INTERNAL', 'sql: database is locked'))).not.toContain('sql')
  })
})
