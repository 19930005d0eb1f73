// The report: how many answers to an operation were right, by client. What the client does not have is "–".
import { operations } from './operations.mjs'

const titles = { js3: 'JavaScript 3', js2: 'JavaScript 2', go1: 'Go 1', boto3: 'boto3', cli: 'AWS CLI', raw: 'raw HTTP' }
const versions = { meetings: '2021-07-15, at `/chime`', legacy: '2018-05-01, at `/console`' }

export function report(results, clients) {
  const count = (service, op, client) => results.filter((r) => r.service === service && r.op === op && r.client === client).length
  let text = ''
  for (const [service, list] of Object.entries(operations)) {
    text += `\n| ${versions[service]} | ${clients.map((c) => titles[c]).join(' | ')} |\n|---|${'---|'.repeat(clients.length)}\n`
    for (const op of Object.keys(list)) {
      text += `| ${op} | ${clients.map((c) => count(service, op, c) || '–').join(' | ')} |\n`
    }
  }
  return text + '\n'
}
