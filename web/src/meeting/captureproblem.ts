/** Why a camera or microphone cannot be used, as far as the person can do something about it. */
export type CaptureProblem =
  /** The person or a policy said no. */
  | 'denied'
  /** The browser may, the operating system does not let it. */
  | 'blocked-by-system'
  /** No such device, or the chosen one is gone. */
  | 'missing'
  /** Another program holds it, or it does not start. */
  | 'in-use'
  /** Not a secure page: browsers offer devices only over https and on localhost. */
  | 'insecure'
  | 'unknown'

/**
 * Reads the error of getUserMedia, or the SDK's error around it. The SDK keeps the browser's error
 * in `cause` and has classes of its own, so both name and message are looked at.
 */
export function captureProblem(error: unknown): CaptureProblem {
  if (globalThis.isSecureContext === false) return 'insecure'
  const names = errorNames(error)
  const text = errorText(error)
  if (names.some((name) => name === 'NotAllowedError' || name === 'PermissionDeniedError')) {
    return /system/i.test(text) ? 'blocked-by-system' : 'denied'
  }
  if (names.some((name) => name === 'NotFoundError' || name === 'OverconstrainedError')) return 'missing'
  if (names.some((name) => name === 'NotReadableError' || name === 'AbortError')) return 'in-use'
  return 'unknown'
}

const sdkNames: Record<string, string> = {
  PermissionDeniedError: 'NotAllowedError',
  NotFoundError: 'NotFoundError',
  NotReadableError: 'NotReadableError',
  OverconstrainedError: 'OverconstrainedError',
}

function errorNames(error: unknown): string[] {
  const names: string[] = []
  let current = error
  for (let depth = 0; depth < 4 && current instanceof Object; depth++) {
    const { name, cause } = current as { name?: unknown; cause?: unknown }
    if (typeof name === 'string') names.push(sdkNames[name] ?? name)
    current = cause
  }
  return names
}

function errorText(error: unknown): string {
  const texts: string[] = []
  let current = error
  for (let depth = 0; depth < 4 && current instanceof Object; depth++) {
    const { message, cause } = current as { message?: unknown; cause?: unknown }
    if (typeof message === 'string') texts.push(message)
    current = cause
  }
  return texts.join(' ')
}
