/**
 * The codes of the server's error vocabulary, plus NETWORK for "no answer at all", which only the
 * client can see.
 */
export type ErrorCode =
  | 'INVALID'
  | 'UNAUTHENTICATED'
  | 'UNCONFIRMED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'GONE'
  | 'LIMIT_EXCEEDED'
  | 'THROTTLED'
  | 'UNAVAILABLE'
  | 'INTERNAL'
  | 'NETWORK'

const codes: ReadonlySet<string> = new Set<ErrorCode>([
  'INVALID', 'UNAUTHENTICATED', 'UNCONFIRMED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'GONE',
  'LIMIT_EXCEEDED', 'THROTTLED', 'UNAVAILABLE', 'INTERNAL', 'NETWORK',
])

/** A refusal or failure of a request, the same for JSON endpoints and GraphQL. */
export class ApiError extends Error {
  readonly code: ErrorCode
  /** The input field the refusal is about, when the server names one. */
  readonly field: string | undefined
  /** Seconds to wait before the next attempt, from Retry-After. */
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, message: string, field?: string, retryAfter?: number) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.field = field
    this.retryAfter = retryAfter
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get transient(): boolean {
    return this.code === 'NETWORK' || this.code === 'UNAVAILABLE' || this.code === 'INTERNAL' || this.code === 'THROTTLED'
  }
}

/** Turns anything thrown into an ApiError, so that callers have one kind to show. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError('INTERNAL', error instanceof Error ? error.message : String(error))
}

/** Reads a code sent by the server; a code this client does not know counts as INTERNAL. */
export function errorCode(value: unknown): ErrorCode {
  return typeof value === 'string' && codes.has(value) ? (value as ErrorCode) : 'INTERNAL'
}
