import { ApiError, errorCode, type ErrorCode } from './errors'

const byStatus: Record<number, ErrorCode> = {
  400: 'INVALID',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  410: 'GONE',
  429: 'THROTTLED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
}

/** The server must answer within this time; a request without an answer would block a form for ever. */
const timeoutMs = 20_000

interface ErrorBody {
  error?: { code?: unknown; message?: unknown; field?: unknown }
}

/**
 * Sends a JSON request to our own origin (the session cookie goes along) and returns the decoded
 * body, or undefined for an empty one. Throws ApiError only.
 */
export async function request(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
  const response = await send(method, path, body)
  const data = await decode(response)
  if (response.ok) return data
  const error = (data as ErrorBody | undefined)?.error
  throw new ApiError(
    error?.code === undefined ? (byStatus[response.status] ?? 'INTERNAL') : errorCode(error.code),
    typeof error?.message === 'string' ? error.message : `HTTP ${response.status}`,
    typeof error?.field === 'string' ? error.field : undefined,
    retryAfter(response),
  )
}

async function send(method: string, path: string, body: unknown): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? { Accept: 'application/json' } : { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (cause) {
    throw new ApiError('NETWORK', cause instanceof Error ? cause.message : String(cause))
  }
}

async function decode(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause: unknown) => {
    throw new ApiError('NETWORK', String(cause))
  })
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    // A proxy in front of the server answers with HTML when the server is away.
    if (response.ok) throw new ApiError('INTERNAL', 'the answer is not JSON')
    return undefined
  }
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('Retry-After'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
}
