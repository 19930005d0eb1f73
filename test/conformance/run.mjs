// Runs the cases: each client does the same steps, and what comes back is checked here alone.
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { randomUUID } from 'node:crypto'
import { operations } from './operations.mjs'

// at follows a path such as "Attendees.0.AttendeeId"; what is missing is null, as SDKs differ in that.
const at = (value, path) => path.split('.').reduce((v, name) => v?.[name], value) ?? null

// fill puts saved values in place of "$name" everywhere in a value.
function fill(value, saved) {
  if (typeof value === 'string') {
    return value.replace(/\$(\w+)/g, (text, name) => (name === 'new' ? randomUUID() : name === 'M' ? saved.m.toUpperCase() : (saved[name] ?? text)))
  }
  if (Array.isArray(value)) return value.map((v) => fill(v, saved))
  if (value === null || typeof value !== 'object' || value instanceof RegExp) return value
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([name, v]) => [name, fill(v, saved)]))
}

function check(step, answer, saved, expected) {
  const said = JSON.stringify(answer)
  if (step.error) {
    // A client that does not even send what its model forbids has refused it too.
    if (answer.refused && step.error === 'ValidationException') return
    assert.equal(answer.error?.name, step.error, said)
    assert.ok(answer.error.message, 'an error without a message: ' + said)
    if (step.requestId) assert.match(answer.error.requestId ?? '', /^[0-9a-f-]{36}$/)
    if (step.resource && answer.error.resource) assert.equal(answer.error.resource, fill(step.resource, saved))
    assert.notEqual(answer.error.typed, false, 'the error is not of its own class')
    return
  }
  assert.ok(answer.output, said)
  if (answer.status !== undefined && expected !== undefined) assert.equal(answer.status, expected, said)
  for (const [path, raw] of Object.entries(step.want ?? {})) {
    const want = fill(raw, saved)
    const got = at(answer.output, path)
    if (want instanceof RegExp) assert.match(String(got), want)
    else if (Array.isArray(want) || (want && typeof want === 'object')) assert.ok(isDeepStrictEqual(sorted(got), sorted(want)), `${path}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
    else assert.equal(got, want, path + ': ' + said)
  }
  for (const [path, raw] of Object.entries(step.differs ?? {})) assert.notEqual(at(answer.output, path), fill(raw, saved))
  for (const [name, path] of Object.entries(step.save ?? {})) {
    saved[name] = at(answer.output, path)
    assert.ok(saved[name], `${path} is missing: ${said}`)
  }
  if (step.keep) saved[step.keep] = answer.output
  if (step.equal) assert.deepEqual(answer.output, saved[step.equal])
}

// sorted gives lists of tags an order: the API promises none.
const sorted = (value) => (Array.isArray(value) && value[0]?.Key ? [...value].sort((a, b) => (a.Key < b.Key ? -1 : 1)) : value)

// takes says whether a client does a case.
export function takes(name, client, service, c) {
  const via = c.via === undefined ? null : [c.via].flat()
  if (via ? !via.includes(name) : c.not?.includes(name)) return false
  return c.steps.every((step) => !step.do || client.has(step.service ?? c.service ?? service, step.do))
}

// run does one case with one client. done is told of every operation whose answer was right.
export async function run(client, service, c, { url, keys, done }) {
  const saved = { case: randomUUID() }
  for (const step of c.steps) {
    const on = step.service ?? c.service ?? service
    const call = () => client.call({ service: on, op: step.do, input: fill(step.in ?? {}, saved), key: keys[step.key ?? c.key ?? 'main'], url, raw: step.raw })
    const expected = step.do && operations[on][step.do][2]
    if (step.parallel) {
      const answers = await Promise.all(Array.from({ length: step.parallel }, call))
      checkTogether(step, answers)
    } else {
      check(step, await call(), saved, expected)
    }
    if (step.do) done(on, step.do)
  }
}

// checkTogether checks requests that were sent at the same time.
function checkTogether(step, answers) {
  if (step.distinct) {
    const [path, n] = step.distinct
    assert.equal(new Set(answers.map((a) => at(a.output, path))).size, n, JSON.stringify(answers))
    return
  }
  const good = answers.filter((a) => a.output).length
  const names = new Set(answers.filter((a) => a.error).map((a) => a.error.name))
  assert.deepEqual([...names], [step.mixed])
  assert.ok(good >= 10 && good < answers.length, `${good} of ${answers.length} were let through`)
}
