// Every client does the same cases (cases/*.mjs) against the built binary. What each client has done is
// printed and kept in docs/chime-api.md; CONFORMANCE_UPDATE=1 writes it there, any other run compares it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { Carillon } from '../lib/carillon.mjs'
import attendees from './cases/attendees.mjs'
import legacy from './cases/legacy.mjs'
import meetings from './cases/meetings.mjs'
import rest from './cases/rest.mjs'
import transport from './cases/transport.mjs'
import { JS2 } from './clients/js2.mjs'
import { JS3 } from './clients/js3.mjs'
import { Process } from './clients/process.mjs'
import { Raw } from './clients/raw.mjs'
import { report } from './report.mjs'
import { run, takes } from './run.mjs'

const here = import.meta.dirname
const cases = { meetings: [...transport, ...meetings, ...attendees, ...rest], legacy }
const python = (name) => () => new Process('/usr/bin/python3', [join(here, 'clients/python.py'), name], { env: { ...process.env, AWS_MAX_ATTEMPTS: '1', AWS_EC2_METADATA_DISABLED: 'true' } }).start()

const clients = {
  js3: async () => new JS3(),
  js2: async () => new JS2(),
  go1: () => {
    execFileSync('go', ['build', '-o', join(scratch, 'go1'), '.'], { cwd: join(here, 'clients/go1'), stdio: ['ignore', 'inherit', 'inherit'] })
    return new Process(join(scratch, 'go1'), []).start()
  },
  boto3: python('boto3'),
  cli: python('cli'),
  raw: async () => new Raw(),
}

const scratch = mkdtempSync(join(tmpdir(), 'carillon-conformance-'))
const results = [] // { service, op, client, id }
let carillon, keys

const makeKey = (name, ...flags) => JSON.parse(carillon.command(['keys', 'create', '--data', carillon.data, '--name', name, '--json', ...flags]))

before(async () => {
  carillon = await Carillon.start()
  const main = makeKey('main')
  keys = {
    main,
    other: makeKey('other'),
    quota: makeKey('quota', '--max-meetings', '2'),
    unknown: { accessKeyId: 'CKZZZZZZZZZZZZZZZZZZ', secretAccessKey: main.secretAccessKey },
    wrong: { accessKeyId: main.accessKeyId, secretAccessKey: main.secretAccessKey + 'x' },
  }
})

after(async () => {
  await carillon?.dispose()
  rmSync(scratch, { recursive: true, force: true })
})

for (const [name, open] of Object.entries(clients)) {
  test(`the cases through ${name}`, { timeout: 480_000 }, async (t) => {
    const client = await open()
    try {
      for (const [service, list] of Object.entries(cases)) {
        // Cases that count what a key has, or how fast it asks, need keys that nobody used before.
        Object.assign(keys, { lister: makeKey('lister'), slow: makeKey('slow', '--rate', '10') })
        for (const c of list) {
          if (!takes(name, client, service, c)) continue
          await t.test(`${c.id} ${c.name} (${service})`, () => run(client, service, c, {
            url: carillon.url, keys, done: (on, op) => results.push({ service: on, op, client: name, id: c.id }),
          }))
        }
      }
    } finally {
      client.close()
    }
  })
}

test('docs/chime-api.md says what was found', () => {
  const table = report(results, Object.keys(clients))
  console.log(table)
  const path = resolve(here, '../../docs/chime-api.md')
  const text = readFileSync(path, 'utf8')
  const [begin, end] = ['<!-- conformance:begin -->\n', '<!-- conformance:end -->']
  const from = text.indexOf(begin) + begin.length
  const to = text.indexOf(end)
  assert.ok(from >= begin.length && to >= from, 'the document has no place for the report')
  if (process.env.CONFORMANCE_UPDATE) {
    writeFileSync(path, text.slice(0, from) + table + text.slice(to))
    return
  }
  assert.equal(text.slice(from, to), table, 'run the tests with CONFORMANCE_UPDATE=1 to write the new report')
})
