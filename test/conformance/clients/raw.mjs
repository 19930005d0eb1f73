// Requests that are signed here, by the published procedure, so that a case can break every single part.
import { createHash, createHmac, randomUUID } from 'node:crypto'
import http from 'node:http'
import { wire } from '../operations.mjs'

const hash = (data) => createHash('sha256').update(data).digest('hex')
const mac = (key, data) => createHmac('sha256', key).update(data).digest()
const encode = (text, keep = '') => text.replace(/[^A-Za-z0-9\-_.~]/g, (c) => (keep.includes(c) ? c : [...Buffer.from(c)].map((b) => '%' + b.toString(16).toUpperCase().padStart(2, '0')).join('')))

const stampOf = (seconds) => new Date(Date.now() + seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, '')

function canonicalQuery(query) {
  return query.split('&').filter(Boolean).map((part) => {
    const [name, ...value] = part.split('=')
    return [encode(decodeURIComponent(name)), encode(decodeURIComponent(value.join('=')))]
  }).sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0)).map((pair) => pair.join('=')).join('&')
}

// sign returns headers and path of a signed request. s overrides what is signed.
function sign({ method, path, body, headers }, host, key, s) {
  const stamp = s.stamp ?? stampOf(s.offset ?? 0)
  const scope = [s.day ?? stamp.slice(0, 8), s.region ?? 'eu-central-1', s.service ?? 'chime', 'aws4_request']
  const all = { ...headers, host }
  if (!s.presign) all['x-amz-date'] = stamp
  if (s.token) all['x-amz-security-token'] = s.token
  const names = Object.keys(all).filter((name) => !(s.leaveOut ?? []).includes(name)).sort()
  const signed = s.presign ? ['host'] : names
  let [route, query = ''] = path.split('?')
  if (s.presign) {
    query += (query && '&') + Object.entries({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Credential': [key.accessKeyId, ...scope].join('/'), 'X-Amz-Date': stamp,
      'X-Amz-Expires': String(s.presign), 'X-Amz-SignedHeaders': 'host',
    }).map(([name, value]) => name + '=' + encode(value)).join('&')
    path = route + '?' + query
  }
  const lines = signed.map((name) => `${name}:${[all[name]].flat().map((v) => v.trim().replace(/ +/g, ' ')).join(',')}\n`).join('')
  const canonical = [method, encode(route, '/'), canonicalQuery(query), lines, signed.join(';'), s.hash ?? hash(body)].join('\n')
  const derived = scope.reduce((k, part) => mac(k, part), 'AWS4' + key.secretAccessKey)
  const signature = mac(derived, ['AWS4-HMAC-SHA256', stamp, scope.join('/'), hash(canonical)].join('\n')).toString('hex')
  if (s.presign) return { headers: all, path: path + '&X-Amz-Signature=' + signature }
  return { path, headers: { ...all, authorization: `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope.join('/')}, SignedHeaders=${signed.join(';')}, Signature=${signature}` } }
}

export class Raw {
  has = () => true

  // call does an operation; step.raw changes the request before (raw) and after (raw.after) it is signed.
  async call({ service, op, input, key, url, raw = {} }) {
    const base = service === 'legacy' ? '/console' : '/chime'
    const made = op && operationsInput(raw, service, op, input)
    const request = { method: 'POST', path: '', body: '', headers: {}, ...made, ...raw }
    if (raw.padTo) request.body = request.body.slice(0, -1) + `,"Padding":"${'x'.repeat(raw.padTo - request.body.length - 13)}"}`
    if (request.body && !('content-type' in request.headers)) request.headers = { ...request.headers, 'content-type': 'application/json' }
    for (const [name, value] of Object.entries(request.headers)) if (value === null) delete request.headers[name]
    const target = new URL(url)
    const whole = { ...request, path: (raw.outside ? '' : base) + request.path }
    const sent = raw.unsigned ? { path: whole.path, headers: { ...request.headers, host: target.host } } : sign(whole, target.host, key, raw.sign ?? {})
    const after = raw.after ?? {}
    return exchange(target, request.method, sent.path + (after.query ?? ''), { ...sent.headers, ...after.headers }, after.body ?? request.body)
  }

  close() {}
}

function operationsInput(raw, service, op, input) {
  const made = wire(service, op, input)
  return raw.body === undefined && raw.escape ? { ...made, body: made.body.replace(/[^\x20-\x7e]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) } : made
}

function exchange(target, method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: target.hostname, port: target.port, method, path, headers: { ...headers, ...(body ? { 'content-length': Buffer.byteLength(body) } : {}) }, agent: false }, (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('end', () => {
        try {
          resolve(read(response, Buffer.concat(parts).toString()))
        } catch (error) {
          reject(error)
        }
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

// read checks what every answer must have, and gives it the form that all clients give.
function read(response, text) {
  const { statusCode: status, headers } = response
  const requestId = headers['x-amzn-requestid']
  const complain = (why) => { throw new Error(`${why}: ${status} ${JSON.stringify(headers)} ${text}`) }
  if (!/^[0-9a-f-]{36}$/.test(requestId ?? '')) complain('no request id')
  if (!headers.date) complain('no Date')
  if (text === '') {
    if (status >= 300) complain('an error without a body')
    return { status, requestId, output: {} }
  }
  if (headers['content-type'] !== 'application/json') complain('not JSON')
  const output = JSON.parse(text)
  if (status < 300) return { status, requestId, output }
  const name = headers['x-amzn-errortype']
  if (!name || output.__type !== name || !(output.Message ?? output.message)) complain('an error without name or message')
  if ('RequestId' in output && output.RequestId !== requestId) complain('another request id in the body')
  return { error: { name, status, message: output.Message ?? output.message, requestId, resource: output.ResourceName } }
}

export const fresh = () => randomUUID()
