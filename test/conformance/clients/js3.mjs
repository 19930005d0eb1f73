// AWS SDK for JavaScript 3. It no longer has the meeting operations of the older API.
import * as sdk from '@aws-sdk/client-chime-sdk-meetings'

export class JS3 {
  #clients = new Map()

  has = (service, op) => service === 'meetings' && sdk[op + 'Command'] !== undefined

  #client(url, key) {
    const name = url + key.accessKeyId + key.secretAccessKey
    if (!this.#clients.has(name)) {
      this.#clients.set(name, new sdk.ChimeSDKMeetingsClient({ endpoint: url + '/chime', region: 'eu-central-1', credentials: key, maxAttempts: 1 }))
    }
    return this.#clients.get(name)
  }

  async call({ op, input, key, url }) {
    try {
      const { $metadata, ...output } = await this.#client(url, key).send(new sdk[op + 'Command'](input))
      return { status: $metadata.httpStatusCode, requestId: $metadata.requestId, output }
    } catch (error) {
      if (!error.$metadata?.httpStatusCode) return { refused: String(error) }
      return { error: { name: error.name, status: error.$metadata.httpStatusCode, message: error.message, requestId: error.$metadata.requestId, typed: error instanceof (sdk[error.name] ?? Error) } }
    }
  }

  close() {
    for (const client of this.#clients.values()) client.destroy()
  }
}
