package servers

import "google.golang.org/protobuf/encoding/protowire"

// addTrack is an AddTrackRequest. kind: 0 sound, 1 video; source: 1 camera, 2 microphone.
func addTrack(id string, kind, source uint64) []byte {
	b := stringField(nil, 1, id)
	b = stringField(b, 2, id)
	b = numberField(b, 3, kind)
	b = numberField(b, 8, source)
	if kind == 0 {
		return numberField(b, 13, 1) // no RED, which would double the sound
	}
	b = numberField(numberField(b, 4, cameraWidth), 5, cameraHeight)
	const high = 2
	layer := numberField(numberField(numberField(numberField(nil, 1, high), 2, cameraWidth), 3, cameraHeight), 4, cameraBps)
	b = protowire.AppendTag(b, 9, protowire.BytesType)
	return protowire.AppendBytes(b, layer)
}

// description is a SessionDescription.
func description(kind, sdp string, id uint64) []byte {
	return numberField(stringField(stringField(nil, 1, kind), 2, sdp), 3, id)
}

func stringField(b []byte, field protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), value)
}

func numberField(b []byte, field protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), value)
}

// firstField is the one field of a SignalResponse.
func firstField(message []byte) (protowire.Number, []byte) {
	field, kind, n := protowire.ConsumeTag(message)
	if n < 0 || kind != protowire.BytesType {
		return 0, nil
	}
	body, _ := protowire.ConsumeBytes(message[n:])
	return field, body
}

func parseDescription(body []byte) (sdp string, id uint64) {
	for len(body) > 0 {
		field, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return sdp, id
		}
		value := body[n:]
		size := protowire.ConsumeFieldValue(field, kind, value)
		if size < 0 {
			return sdp, id
		}
		switch {
		case field == 2 && kind == protowire.BytesType:
			text, _ := protowire.ConsumeString(value)
			sdp = text
		case field == 3 && kind == protowire.VarintType:
			id, _ = protowire.ConsumeVarint(value)
		}
		body = value[size:]
	}
	return sdp, id
}
