import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { signIn } from '@/api/auth'
import { ApiError, asApiError, errorCode } from '@/api/errors'
import { execute } from '@/api/graphql'
import { request } from '@/api/http'
import { getMeeting, joinMeeting, listMeetings } from '@/api/meetings'
import { MeDocument } from '@/api/operations'

const fetched = vi.fn<typeof fetch>()

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  fetched.mockResolvedValueOnce(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }))
}

/** The JSON body of the n-th request. */
const sent = (n: number) => JSON.parse(String(fetched.mock.calls[n]?.[1]?.body)) as { query: string; variables: unknown }

beforeEach(() => {
  fetched.mockReset()
  vi.stubGlobal('fetch', fetched)
})
afterEach(() => {
  vi.unstubAllGlobals()
})

describe('JSON requests', () => {
  it('sends JSON with the cookie of our own origin only', async () => {
    answer(200, { account: { id: '1', email: 'a@b', name: 'Ann', groups: [] } })
    expect(await signIn('a@b', 'secret')).toMatchObject({ name: 'Ann' })
    expect(fetched.mock.calls[0]?.[0]).toBe('/auth/sign-in')
    expect(fetched.mock.calls[0]?.[1]).toMatchObject({ method: 'POST', credentials: 'same-origin', body: '{"email":"a@b","password":"secret"}' })
  })

  it('an empty answer is no error', async () => {
    fetched.mockResolvedValueOnce(new Response(null, { status: 204 }))
    expect(await request('POST', '/auth/sign-out', {})).toBeUndefined()
  })

  it('reads the code, the field and how long to wait', async () => {
    answer(429, { error: { code: 'THROTTLED', message: 'slow down', field: 'email' } }, { 'Retry-After': '30' })
    await expect(request('GET', '/x')).rejects.toMatchObject({ code: 'THROTTLED', field: 'email', retryAfter: 30, transient: true })
  })

  it.each([
    [502, '<html>Bad gateway</html>', 'UNAVAILABLE'],
    [401, '', 'UNAUTHENTICATED'],
    [418, 'teapot', 'INTERNAL'],
    [200, '<html>', 'INTERNAL'],
    [500, { error: { code: 'WHO_KNOWS' } }, 'INTERNAL'],
  ])('understands %i %j', async (status, body, code) => {
    answer(status, body)
    await expect(request('GET', '/x')).rejects.toMatchObject({ name: 'ApiError', code })
  })

  it('no answer at all is NETWORK', async () => {
    fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'))
    await expect(request('GET', '/x')).rejects.toMatchObject({ code: 'NETWORK', transient: true })
  })
})

describe('GraphQL', () => {
  it('returns the data', async () => {
    answer(200, { data: { me: { id: '1', email: 'a@b', name: 'Ann', groups: ['Operators'] } } })
    expect((await execute(MeDocument)).me.groups).toEqual(['Operators'])
    expect(sent(0).query).toContain('query Me')
  })

  it('turns the first failure into an ApiError', async () => {
    answer(200, { data: null, errors: [{ message: 'no', extensions: { code: 'FORBIDDEN', field: 'title' } }] })
    await expect(execute(MeDocument)).rejects.toMatchObject({ code: 'FORBIDDEN', field: 'title' })
  })

  it('an answer without data is a failure', async () => {
    answer(200, { data: null })
    await expect(execute(MeDocument)).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  it('reads every page of meetings', async () => {
    answer(200, { data: { listMeetings: { items: [{ id: 'a' }, null], nextToken: 'more' } } })
    answer(200, { data: { listMeetings: { items: [{ id: 'b' }], nextToken: null } } })
    expect((await listMeetings()).map(({ id }) => id)).toEqual(['a', 'b'])
    expect(sent(1).variables).toMatchObject({ nextToken: 'more' })
  })

  it('a meeting that does not exist is undefined, however that is said', async () => {
    answer(200, { data: { getMeeting: null } })
    expect(await getMeeting('x')).toBeUndefined()
    answer(200, { errors: [{ message: 'none', extensions: { code: 'NOT_FOUND' } }] })
    expect(await getMeeting('x')).toBeUndefined()
    answer(200, { errors: [{ message: 'out', extensions: { code: 'UNAUTHENTICATED' } }] })
    await expect(getMeeting('x')).rejects.toBeInstanceOf(ApiError)
  })

  it('joins under a name', async () => {
    answer(200, { data: { joinMeeting: { meeting: { Meeting: {} }, attendee: { Attendee: {} } } } })
    expect(await joinMeeting('id', 'Ann')).toEqual({ meeting: { Meeting: {} }, attendee: { Attendee: {} } })
    expect(sent(0).variables).toEqual({ id: 'id', name: 'Ann' })
  })
})

describe('errors', () => {
  it('keeps the codes it knows', () => {
    expect(errorCode('GONE')).toBe('GONE')
    expect(errorCode('constructor')).toBe('INTERNAL')
    expect(errorCode(7)).toBe('INTERNAL')
  })

  it('wraps anything', () => {
    expect(asApiError('boom')).toMatchObject({ code: 'INTERNAL', message: 'boom' })
  })
})
