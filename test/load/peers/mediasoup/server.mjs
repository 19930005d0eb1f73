// The smallest application on mediasoup that meetings need: rooms, transports, and everybody receives everybody.
import { createServer } from 'node:http';
import { availableParallelism } from 'node:os';
import { createWorker } from 'mediasoup';

const ip = '127.0.0.1';

// As in deployments: one worker for each core, one port for each worker, and a room stays within one worker.
const workers = await Promise.all(Array.from({ length: availableParallelism() }, async () => {
	const worker = await createWorker({ logLevel: 'none' });
	worker.on('died', error => {
		console.error(error);
		process.exit(1);
	});
	return { worker, port: await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip }] }) };
}));

const mediaCodecs = [
	{ kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2, preferredPayloadType: 111 },
	{ kind: 'video', mimeType: 'video/VP8', clockRate: 90000, preferredPayloadType: 96 },
];

const rooms = []; // { router, port, producers: [{ producer, owner }] }
const transports = new Map(); // by id: { transport, room, owner }

const calls = {
	async room() {
		const { worker, port } = workers[rooms.length % workers.length];
		rooms.push({ router: await worker.createRouter({ mediaCodecs }), port, producers: [] });
		return { room: rooms.length - 1 };
	},

	// transport connects a client, who sends what is listed.
	async transport({ room: number, owner, fingerprint, sends }) {
		const room = rooms[number];
		const transport = await room.router.createWebRtcTransport({ webRtcServer: room.port, enableTcp: false });
		transports.set(transport.id, { transport, room, owner });
		await transport.connect({ dtlsParameters: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: fingerprint }] } });
		for (const { kind, rtpParameters } of sends) {
			room.producers.push({ producer: await transport.produce({ kind, rtpParameters }), owner });
		}
		const { usernameFragment, password } = transport.iceParameters;
		return { transport: transport.id, usernameFragment, password, candidate: transport.iceCandidates[0] };
	},

	// consume lets a client receive what the others send; of cameras in several sizes, that one.
	async consume({ transport: id, layer }) {
		const { transport, room, owner } = transports.get(id);
		const rtpCapabilities = receivable(room.router.rtpCapabilities);
		const others = room.producers.filter(p => p.owner !== owner);
		const consumers = await Promise.all(others.map(({ producer }) => transport.consume({
			producerId: producer.id,
			rtpCapabilities,
			...(producer.type === 'simulcast' && { preferredLayers: { spatialLayer: layer } }),
		})));
		return consumers.map(({ kind, rtpParameters }) => ({ kind, payloadTypes: rtpParameters.codecs.map(c => c.payloadType) }));
	},
};

// receivable is what the clients of the load tests can do, at every server: REMB tells what they can receive, and the
// only header extension is the audio level.
function receivable({ codecs, headerExtensions }) {
	return {
		codecs: codecs.map(c => ({ ...c, rtcpFeedback: c.rtcpFeedback.filter(f => f.type !== 'transport-cc') })),
		headerExtensions: headerExtensions.filter(h => h.uri === 'urn:ietf:params:rtp-hdrext:ssrc-audio-level'),
	};
}

async function read(request) {
	let text = '';
	for await (const part of request.setEncoding('utf8')) text += part;
	return JSON.parse(text);
}

const http = createServer(async (request, response) => {
	try {
		const answer = await calls[request.url.slice(1)](await read(request));
		response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer));
	} catch (error) {
		response.writeHead(500).end(String(error));
	}
});
http.listen(0, ip, () => console.log(JSON.stringify({ URL: `http://${ip}:${http.address().port}` })));
