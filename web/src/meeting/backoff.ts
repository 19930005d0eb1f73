/** Delay before attempt n (from 0): the first at once, then full jitter up to a limit, in ms. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  if (attempt <= 0) return 0
  const limit = Math.min(5_000, 1_000 * 2 ** (attempt - 1))
  // At least a fifth of the limit, so that a server that refuses at once is not asked in a tight loop.
  return limit * (0.2 + 0.8 * random())
}
