// What is known when a test has failed: the last words of every page and of the server.
export function report(t, people, carillon) {
  for (const person of people) t.diagnostic(`${person.name}: ${person.console.slice(-15).join('\n')}`)
  t.diagnostic(carillon.log.slice(-3000))
}

// reportGuests tells also where the web client was, and keeps a picture of it.
export async function reportGuests(t, guests, carillon) {
  report(t, guests.map((guest) => guest.person), carillon)
  for (const { person, page } of guests) {
    t.diagnostic(`${person.name} is at ${page.url()}`)
    await page.screenshot({ path: `${process.env.TEST_RESULTS ?? '/tmp'}/failed-${person.name}.png` }).catch(() => {})
  }
}
