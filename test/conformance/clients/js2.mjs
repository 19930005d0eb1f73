// AWS SDK for JavaScript 2, both services.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1'
const { default: AWS } = await import('aws-sdk')

const services = { meetings: ['ChimeSDKMeetings', '/chime'], legacy: ['Chime', '/console'] }
const method = (op) => op[0].toLowerCase() + op.slice(1)

export class JS2 {
  #clients = new Map()

  #client(service, url, key) {
    const name = service + url + key.accessKeyId + key.secretAccessKey
    if (!this.#clients.has(name)) {
      const [kind, base] = services[service]
      this.#clients.set(name, new AWS[kind]({ endpoint: url + base, region: 'eu-central-1', credentials: new AWS.Credentials(key), maxRetries: 0 }))
    }
    return this.#clients.get(name)
  }

  has = (service, op) => method(op) in this.#client(service, 'http://localhost', { accessKeyId: 'a', secretAccessKey: 'b' }).api.operations

  call({ service, op, input, key, url }) {
    return new Promise((resolve) => {
      const request = this.#client(service, url, key)[method(op)](input)
      request.send((error, output) => {
        const status = request.response.httpResponse.statusCode
        const requestId = request.response.requestId
        if (!error) resolve({ status, requestId, output })
        else if (!status) resolve({ refused: String(error) })
        else resolve({ error: { name: error.code, status, message: error.message, requestId } })
      })
    })
  }

  close() {}
}
