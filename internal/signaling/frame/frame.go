// Package frame puts signaling messages on the WebSocket and takes them off it: the frame byte, the
// bounds on what a client may make the server allocate, and the compression of session descriptions.
//
// Everything here is a pure function of its input, except SDPCodec, which belongs to one connection.
// All failures carry errs.Invalid. No goroutines.
package frame

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"carillon/internal/errs"
	"carillon/internal/signaling/signalpb"
)

const (
	// MaxSize is the most bytes that one WebSocket message may have. The largest honest message is an
	// uncompressed offer with 25 received videos, about 150 kB; the rest is room for growth.
	MaxSize = 1 << 20

	// maxRest is the most bytes of a frame that are not the text of an offer. An empty message costs two
	// bytes on the wire and a hundred in memory, so without this bound one frame could make the decoder
	// allocate many times MaxSize.
	maxRest = 64 << 10

	// typeByte announces a signal frame; clients send it and expect it.
	typeByte = 0x05

	// legacyTypeByte is accepted in its place, as clients do.
	legacyTypeByte = 0x02
)

// Encode returns the WebSocket message for a frame. The caller sets timestamp_ms and type; a frame
// without one of them, or without another required field, is refused, since clients would drop it.
func Encode(f *signalpb.SdkSignalFrame) ([]byte, error) {
	return encode(f, func(size int) []byte { return make([]byte, 0, size) })
}

// Packet is Encode with the header of a WebSocket frame of a server in front (RFC 6455 section 5.2): what a connection
// is to carry, the same bytes for whoever shall have them.
func Packet(f *signalpb.SdkSignalFrame) ([]byte, error) {
	return encode(f, func(size int) []byte { return appendHeader(make([]byte, 0, maxHeader+size), size) })
}

// encode appends the message to what begin returns when it is told the size.
func encode(f *signalpb.SdkSignalFrame, begin func(size int) []byte) ([]byte, error) {
	if f.GetType() == signalpb.SdkSignalFrame_UNKNOWN {
		return nil, errs.New(errs.Internal, "A signal frame has no type.")
	}
	message := append(begin(1+proto.Size(f)), typeByte)
	message, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(message, f)
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, "A signal frame is incomplete.")
	}
	return message, nil
}

// maxHeader is the longest header that appendHeader writes.
const maxHeader = 10

// appendHeader writes the header of an unfragmented binary message of that size, which servers do not mask.
func appendHeader(b []byte, size int) []byte {
	const finalBinary = 0x82
	switch {
	case size < 126:
		return append(b, finalBinary, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, finalBinary, 126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(b, finalBinary, 127), uint64(size))
}

// Decode reads a WebSocket message from a client. A frame of a type that this server does not know is
// not an error, so that newer clients can be served: its type is a number without a name, and the caller
// ignores it. The same goes for other enum values. Strings of the result are not checked for UTF-8.
func Decode(message []byte) (*signalpb.SdkSignalFrame, error) {
	if len(message) > MaxSize {
		return nil, errs.New(errs.Invalid, "The signal frame is larger than %d bytes.", MaxSize)
	}
	if len(message) == 0 {
		return nil, errs.New(errs.Invalid, "The signal frame is empty.")
	}
	if message[0] != typeByte && message[0] != legacyTypeByte {
		return nil, errs.New(errs.Invalid, "The message is not a signal frame (first byte 0x%02x).", message[0])
	}
	body := message[1:]
	if rest := len(body) - offerBytes(body); rest > maxRest {
		return nil, errs.New(errs.Invalid, "The signal frame holds %d bytes besides the offer; the limit is %d.", rest, maxRest)
	}
	f := new(signalpb.SdkSignalFrame)
	if err := proto.Unmarshal(body, f); err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "The signal frame cannot be decoded.")
	}
	return f, nil
}

// Field numbers of the schema that the bounds below need before anything is decoded.
const (
	fieldSub             protowire.Number = 6 // of SdkSignalFrame
	fieldSDPOffer        protowire.Number = 4 // of SdkSubscribeFrame
	fieldCompressedOffer protowire.Number = 8
)

// offerBytes returns how many bytes of a serialized frame are the text of offers. It stops quietly at
// malformed input, which the decoder reports.
func offerBytes(body []byte) int {
	total := 0
	eachBytesField(body, func(number protowire.Number, sub []byte) {
		if number != fieldSub {
			return
		}
		eachBytesField(sub, func(number protowire.Number, text []byte) {
			if number == fieldSDPOffer || number == fieldCompressedOffer {
				total += len(text)
			}
		})
	})
	return total
}

func eachBytesField(message []byte, visit func(protowire.Number, []byte)) {
	for len(message) > 0 {
		number, wireType, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		value := message[n:]
		size := protowire.ConsumeFieldValue(number, wireType, value)
		if size < 0 {
			return
		}
		if wireType == protowire.BytesType {
			content, _ := protowire.ConsumeBytes(value)
			visit(number, content)
		}
		message = value[size:]
	}
}
