// Starts the built binary the way a user does, on ports of its own choosing and with data of its own.
import { spawn, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { until } from './until.mjs'

// CARILLON names another one, to compare with.
const binary = process.env.CARILLON ?? resolve(import.meta.dirname, '../../bin/carillon')

export class Carillon {
  #process
  #log = ''
  #addresses = ['--listen', '127.0.0.1:0', '--media', ':0']

  constructor(args = []) {
    this.args = args
    this.data = mkdtempSync(join(tmpdir(), 'carillon-test-'))
  }

  static async start(...args) {
    const carillon = new Carillon(args)
    await carillon.start()
    return carillon
  }

  // start runs the server; after the first time on the same ports, as a service manager would.
  async start() {
    const ready = join(this.data, 'ready.json')
    rmSync(ready, { force: true })
    this.#process = spawn(binary, ['serve', '--data', this.data, '--ready-file', ready, ...this.#addresses, ...this.args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process.stderr.on('data', (text) => (this.#log += text))
    let exited = false
    this.#process.once('exit', () => (exited = true))
    await until('the server is ready', 15_000, () => {
      if (exited) throw new Error(`the server ended:\n${this.#log}`)
      return existsSync(ready)
    })
    const chosen = JSON.parse(readFileSync(ready, 'utf8'))
    this.url = chosen.url
    this.http = chosen.http
    this.media = chosen.media
    this.#addresses = ['--listen', chosen.http, '--media', ':' + chosen.media.split(':').pop()]
  }

  get log() {
    return this.#log
  }

  // end sends a signal and waits for the process to be gone. It returns the exit status.
  async end(signal = 'SIGTERM') {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return this.#process?.exitCode
    const gone = once(this.#process, 'exit')
    this.#process.kill(signal)
    const [status] = await gone
    return status
  }

  async dispose() {
    await this.end()
    rmSync(this.data, { recursive: true, force: true })
  }

  command(args, input) {
    return execFileSync(binary, args, { input, encoding: 'utf8' })
  }

  createKey(name = 'test') {
    return JSON.parse(this.command(['keys', 'create', '--data', this.data, '--name', name, '--json']))
  }

  createUser(email, password, ...flags) {
    return this.command(['users', 'create', '--data', this.data, '--email', email, '--password-stdin', ...flags], password + '\n')
  }
}
