// Tests that tell one story, such as that of a call: a step goes on where the one before it ended, so after a failure the
// others fail at once.
import { test } from 'node:test'

// steps gives the function that declares one; timeout (ms) is that of each, and tell reports a failure.
export function steps(timeout, tell) {
  let failed
  return (name, run) =>
    test(name, { timeout }, async (t) => {
      if (failed) throw new Error(`not run: "${failed}" failed before it`)
      try {
        await run(t)
      } catch (error) {
        failed = name
        await tell(t)
        throw error
      }
    })
}
