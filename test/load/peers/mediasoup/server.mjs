// A mediasoup server for the load generator: one worker, as one process of every server is measured, one UDP port by
// WebRtcServer, and as little as possible besides. Requests are JSON over HTTP.
import http from 'node:http'
import { createWorker } from 'mediasoup'

const codecs = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2, preferredPayloadType: 111, parameters: { useinbandfec: 1 } },
  {
    kind: 'video', mimeType: 'video/VP8', clockRate: 90000, preferredPayloadType: 96,
    rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }, { type: 'goog-remb' }, { type: 'transport-cc' }],
  },
]

const worker = await createWorker({ logLevel: 'none', rtcMinPort: 20000, rtcMaxPort: 29999, disableLiburing: process.env.MEDIASOUP_LIBURING === '0' })
worker.on('died', () => process.exit(1))
const webRtcServer = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1', sendBufferSize: 8 << 20, recvBufferSize: 8 << 20 }] })
const rooms = new Map()

async function roomOf(name) {
  if (!rooms.has(name)) rooms.set(name, worker.createRouter({ mediaCodecs: codecs }).then((router) => ({ router, clients: new Map() })))
  return rooms.get(name)
}

// One transport for each direction, as mediasoup's own client has them.
async function transport(room) {
  const t = await room.router.createWebRtcTransport({ webRtcServer, enableUdp: true, enableTcp: false })
  const c = t.iceCandidates[0]
  return { t, description: { ufrag: t.iceParameters.usernameFragment, pwd: t.iceParameters.password, address: `${c.ip ?? c.address}:${c.port}` } }
}

const operations = {
  // join makes the transports; the client is the active side of DTLS.
  async join({ room: name, id, fingerprint, sends }) {
    const room = await roomOf(name)
    const client = { producers: [], consumed: new Set() }
    room.clients.set(id, client)
    const dtlsParameters = { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: fingerprint }] }
    const answer = {}
    for (const direction of sends ? ['send', 'receive'] : ['receive']) {
      const { t, description } = await transport(room)
      await t.connect({ dtlsParameters })
      client[direction] = t
      answer[direction] = description
    }
    return answer
  },

  async produce({ room: name, id, kind, rtpParameters }) {
    const room = await roomOf(name)
    const client = room.clients.get(id)
    const producer = await client.send.produce({ kind, rtpParameters })
    client.producers.push(producer)
    return {}
  },

  // consume subscribes to everything that the others produce.
  async consume({ room: name, id, layer }) {
    const room = await roomOf(name)
    const client = room.clients.get(id)
    const answer = { audio: 0, video: 0, rtx: 0, count: 0 }
    for (const [other, { producers }] of room.clients) {
      if (other === id) continue
      for (const producer of producers) {
        if (client.consumed.has(producer)) continue
        client.consumed.add(producer)
        const consumer = await client.receive.consume({
          producerId: producer.id,
          rtpCapabilities: {
            codecs: room.router.rtpCapabilities.codecs.map((c) => ({ ...c, rtcpFeedback: c.rtcpFeedback.filter((f) => f.type !== 'transport-cc') })),
            headerExtensions: room.router.rtpCapabilities.headerExtensions.filter((e) => !e.uri.includes('transport-wide-cc')),
          },
        })
        if (consumer.type === 'simulcast') await consumer.setPreferredLayers({ spatialLayer: layer })
        for (const c of consumer.rtpParameters.codecs) {
          if (c.mimeType.toLowerCase().endsWith('/rtx')) answer.rtx = c.payloadType
          else answer[consumer.kind] = c.payloadType
        }
        answer.count++
      }
    }
    return answer
  },
}

const server = http.createServer(async (request, response) => {
  try {
    let body = ''
    for await (const chunk of request) body += chunk
    const answer = await operations[request.url.slice(1)](JSON.parse(body))
    response.end(JSON.stringify(answer))
  } catch (error) {
    response.statusCode = 500
    response.end(String(error?.stack ?? error))
  }
})
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })))
