// until asks until the answer is truthy and returns it; after the deadline (ms) it fails and says what
// it waited for and what the last answer or error was.
export async function until(what, deadline, ask, interval = 100) {
  const end = Date.now() + deadline
  let last
  for (;;) {
    try {
      last = await ask()
      if (last) return last
    } catch (error) {
      last = error
      if (/the server ended/.test(String(error))) throw error
    }
    if (Date.now() > end) {
      const seen = last instanceof Error ? last.stack : JSON.stringify(last)
      throw new Error(`waited ${deadline} ms in vain until ${what}; last: ${seen}`)
    }
    await new Promise((done) => setTimeout(done, interval))
  }
}
