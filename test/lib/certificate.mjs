// A certificate that nobody signed, for one name and one day, in files of its own.
import { execFileSync } from 'node:child_process'
import { X509Certificate, createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Certificate {
  #dir = mkdtempSync(join(tmpdir(), 'carillon-certificate-'))
  certFile = join(this.#dir, 'cert.pem')
  keyFile = join(this.#dir, 'key.pem')

  constructor(host) {
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
      '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-keyout', this.keyFile, '-out', this.certFile,
    ], { stdio: 'pipe' })
  }

  // pin is the hash of the public key by which a browser can be told to accept it.
  get pin() {
    const { publicKey } = new X509Certificate(readFileSync(this.certFile))
    return createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
  }

  dispose() {
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
