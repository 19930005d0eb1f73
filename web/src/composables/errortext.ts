import type { ApiError } from '@/api/errors'

type Translate = (key: string, values?: Record<string, unknown>) => string

/**
 * The sentence to show for a refusal: by its code, in the person's language. `texts` are the message
 * keys of a screen where a code, or a code about one field ("INVALID:email"), means something special.
 */
export function errorText(t: Translate, error: ApiError, texts: Record<string, string> = {}): string {
  const own = texts[`${error.code}:${error.field}`] ?? texts[error.code]
  if (own) return t(own)
  if (error.code === 'THROTTLED' && error.retryAfter) return t('errors.THROTTLED_FOR', { seconds: error.retryAfter })
  return t(`errors.${error.code}`)
}
