package frame_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"carillon/internal/errs"
	"carillon/internal/signaling/frame"
	"carillon/internal/signaling/signalpb"
)

// Messages as a client's own encoder writes them.
var fromClient = map[string]string{
	"ping":      "0508fbd0eab6b7331013a2010408011007",
	"join":      "050801100122280802180222102a064368726f6d654206332e33322e3030ffffffff0f380150045802580358046001",
	"subscribe": "0508011003325e080312280801100f18d8042217416d617a6f6e4368696d6545787072657373417564696f30013880b51848011206080230024802180018c90118ad0222002a017830003801420201024a130a013212016220feffffff0f28d80430043803",
}

func TestDecodeWhatClientsSend(t *testing.T) {
	ping := decode(t, fromClient["ping"])
	if ping.GetType() != signalpb.SdkSignalFrame_PING_PONG || ping.GetTimestampMs() != 1767225600123 ||
		ping.GetPingPong().GetType() != signalpb.SdkPingPongType_PING || ping.GetPingPong().GetPingId() != 7 {
		t.Errorf("ping: %v", ping)
	}

	join := decode(t, fromClient["join"]).GetJoin()
	if join.GetAudioSessionId() != 1<<32-1 || !join.GetWantsCompressedSdp() || join.GetFlags() != 2 ||
		join.GetClientDetails().GetChimeSdkVersion() != "3.32.0" ||
		len(join.GetSupportedServerSideNetworkAdaptions()) != 3 || join.DisablePeriodicKeyframeRequestOnContentSender != nil {
		t.Errorf("join: %v", join)
	}

	sub := decode(t, fromClient["subscribe"]).GetSub()
	if sub.GetDuplex() != signalpb.SdkStreamServiceType_DUPLEX || len(sub.GetSendStreams()) != 2 ||
		sub.GetSendStreams()[1].GetMediaType() != signalpb.SdkStreamMediaType_VIDEO ||
		!bytes.Equal(sub.GetCompressedSdpOffer(), []byte{1, 2}) || !sub.GetAudioMuted() ||
		len(sub.GetReceiveStreamIds()) != 3 || sub.GetReceiveStreamIds()[2] != 301 ||
		sub.GetVideoSubscriptionConfiguration()[0].GetPriority() != 1<<32-2 {
		t.Errorf("subscribe: %v", sub)
	}
}

func TestEncodeAsClientsExpect(t *testing.T) {
	message, err := frame.Encode(&signalpb.SdkSignalFrame{
		TimestampMs: proto.Uint64(1767225600123),
		Type:        signalpb.SdkSignalFrame_AUDIO_STREAM_ID_INFO.Enum(),
		AudioStreamIdInfo: &signalpb.SdkAudioStreamIdInfoFrame{Streams: []*signalpb.SdkAudioStreamIdInfo{
			{AudioStreamId: proto.Uint32(3), AttendeeId: proto.String("a-1"), ExternalUserId: proto.String("u#Ann"), Muted: proto.Bool(false)},
			{AudioStreamId: proto.Uint32(2)},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Checked with a client's decoder; "muted: false" is on the wire because presence counts.
	const want = "0508fbd0eab6b73310129a01160a1008031203612d31180022057523416e6e0a020802"
	if got := hex.EncodeToString(message); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A packet is a header and the message. The lengths are those at which the header grows.
func TestPacketsHaveTheHeaderOfAServer(t *testing.T) {
	for size, header := range map[int]string{
		125: "827d", 126: "827e007e", 65535: "827effff", 65536: "827f0000000000010000",
	} {
		text := strings.Repeat("x", size-20)
		f := &signalpb.SdkSignalFrame{
			TimestampMs: proto.Uint64(1), Type: signalpb.SdkSignalFrame_NOTIFICATION.Enum(),
			Notification: &signalpb.SdkNotificationFrame{Level: signalpb.SdkNotificationFrame_ERROR.Enum(), Message: &text},
		}
		message, err := frame.Encode(f)
		if err == nil {
			text += strings.Repeat("x", size-len(message))
			message, err = frame.Encode(f)
		}
		if err != nil || len(message) != size {
			t.Fatalf("a message of %d bytes, not %d, %v", len(message), size, err)
		}
		packet, err := frame.Packet(f)
		if err != nil || hex.EncodeToString(packet) != header+hex.EncodeToString(message) {
			t.Errorf("%d bytes: the packet of %d begins with %x, %v", size, len(packet), packet[:10], err)
		}
	}
	if packet, err := frame.Packet(&signalpb.SdkSignalFrame{}); err == nil {
		t.Errorf("a frame without a type becomes %x", packet)
	}
}

func TestEncodeWritesEmptyBodies(t *testing.T) {
	message, err := frame.Encode(&signalpb.SdkSignalFrame{
		TimestampMs: proto.Uint64(1), Type: signalpb.SdkSignalFrame_INDEX.Enum(), Index: &signalpb.SdkIndexFrame{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(message); got != "05080110054200" {
		t.Errorf("got %s", got)
	}
}

func TestEncodeRefusesIncompleteFrames(t *testing.T) {
	for name, f := range map[string]*signalpb.SdkSignalFrame{
		"no type":      {TimestampMs: proto.Uint64(1)},
		"unknown type": {TimestampMs: proto.Uint64(1), Type: signalpb.SdkSignalFrame_UNKNOWN.Enum()},
		"no timestamp": {Type: signalpb.SdkSignalFrame_LEAVE_ACK.Enum()},
		"pong without id": {TimestampMs: proto.Uint64(1), Type: signalpb.SdkSignalFrame_PING_PONG.Enum(),
			PingPong: &signalpb.SdkPingPongFrame{Type: signalpb.SdkPingPongType_PONG.Enum()}},
	} {
		if _, err := frame.Encode(f); errs.CodeOf(err) != errs.Internal || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeToleratesNewerClients(t *testing.T) {
	// Type 99 with a body in field 100, and an unknown field in a known frame.
	if f := decode(t, "05"+"0801"+"1063"+"a20600"); f.GetType() != 99 {
		t.Errorf("type 99 reads as %v", f.GetType())
	}
	if f := decode(t, "05"+"0801"+"1009"+"5a00"+"a20600"); f.GetType() != signalpb.SdkSignalFrame_LEAVE {
		t.Errorf("got %v", f)
	}
	if f := decode(t, "02"+"0801"+"1009"); f.GetType() != signalpb.SdkSignalFrame_LEAVE {
		t.Errorf("first byte 2: got %v", f)
	}
}

func TestDecodeRefuses(t *testing.T) {
	big := subscribeWith(0, func(sub *signalpb.SdkSubscribeFrame) {
		for range 40_000 {
			sub.SendStreams = append(sub.SendStreams, &signalpb.SdkStreamDescriptor{})
		}
	})
	for name, message := range map[string][]byte{
		"nothing":             {},
		"only the first byte": {5},
		"another first byte":  unhex(t, "06"+"0801"+"1009"),
		"no type":             unhex(t, "05"+"0801"),
		"no timestamp":        unhex(t, "05"+"1009"),
		"ping without id":     unhex(t, "05"+"0801"+"1013"+"a20102"+"0801"),
		"cut off":             unhex(t, fromClient["join"])[:20],
		"not a message":       append([]byte{5}, bytes.Repeat([]byte{0xff}, 30)...),
		"over the size":       append([]byte{5}, make([]byte, frame.MaxSize)...),
		"many empty messages": big,
		"long text that is not an offer": subscribeWith(0, func(sub *signalpb.SdkSubscribeFrame) {
			sub.AudioHost = proto.String(strings.Repeat("h", 70_000))
		}),
	} {
		if f, err := frame.Decode(message); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%s: got %v, %v", name, f, err)
		}
	}
}

func TestDecodeTakesLongOffers(t *testing.T) {
	message := subscribeWith(900_000, func(*signalpb.SdkSubscribeFrame) {})
	f, err := frame.Decode(message)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(f.GetSub().GetSdpOffer()); got != 900_000 {
		t.Errorf("offer of %d bytes", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, message := range fromClient {
		b, _ := hex.DecodeString(message)
		f.Add(b)
	}
	f.Add(unhexBytes("0508011063a20600"))
	f.Add(append(unhexBytes("0508011003"), protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), []byte{0x22, 0xff})...))
	f.Fuzz(func(t *testing.T, message []byte) {
		decoded, err := frame.Decode(message)
		if err != nil {
			if errs.CodeOf(err) != errs.Invalid {
				t.Fatalf("not an Invalid error: %v", err)
			}
			return
		}
		if decoded.GetType() == signalpb.SdkSignalFrame_UNKNOWN {
			return
		}
		encoded, err := frame.Encode(decoded)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		again, err := frame.Decode(encoded)
		if err != nil {
			// Encoding can make a frame longer (packed numbers), up to over the bound.
			if len(encoded) > len(message) {
				return
			}
			t.Fatal(err)
		}
		if again.GetType() != decoded.GetType() {
			t.Fatalf("type %v became %v", decoded.GetType(), again.GetType())
		}
	})
}

func subscribeWith(offer int, change func(*signalpb.SdkSubscribeFrame)) []byte {
	sub := &signalpb.SdkSubscribeFrame{SdpOffer: proto.String(strings.Repeat("v", offer))}
	change(sub)
	message, err := frame.Encode(&signalpb.SdkSignalFrame{
		TimestampMs: proto.Uint64(1), Type: signalpb.SdkSignalFrame_SUBSCRIBE.Enum(), Sub: sub,
	})
	if err != nil {
		panic(err)
	}
	return message
}

func decode(t *testing.T, text string) *signalpb.SdkSignalFrame {
	t.Helper()
	f, err := frame.Decode(unhex(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unhexBytes(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}
