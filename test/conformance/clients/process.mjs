// A client in a process of its own: one line of JSON in for each call, one line out for each answer.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export class Process {
  #process
  #waiting = []
  #said = ''

  constructor(command, args, options = {}) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options })
    this.#process.stderr.on('data', (text) => (this.#said += text))
    this.#process.on('error', (error) => this.#fail(error))
    this.#process.on('exit', (code) => this.#fail(new Error(`${command} ended with ${code}:\n${this.#said}`)))
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#waiting.shift()?.resolve(JSON.parse(line)))
  }

  #fail(error) {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
    this.ended = error
  }

  // start asks the process which operations its client has.
  async start() {
    this.operations = await this.#ask({ ask: 'operations' })
    return this
  }

  has = (service, op) => this.operations[service]?.includes(op) ?? false

  #ask(question) {
    if (this.ended) return Promise.reject(this.ended)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#process.stdin.write(JSON.stringify(question) + '\n')
    })
  }

  async call({ service, op, input, key, url }) {
    const answer = await this.#ask({ service, op, input, key, url: url + (service === 'legacy' ? '/console' : '/chime') })
    if (answer.broken) throw new Error(answer.broken)
    return answer
  }

  close() {
    this.#process.stdin.end()
  }
}
