package frame_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"carillon/internal/errs"
	"carillon/internal/signaling/frame"
)

func TestOffersOfOldAndNewClients(t *testing.T) {
	// Longer than the window, so that it matters which part of the previous offer is the dictionary.
	offers := []string{description(1, 50), description(2, 2_000), description(2, 2_100), description(3, 10), description(4, 2_000)}
	for name, dictionary := range map[string]func(previous string) string{
		"new clients: no dictionary": func(string) string { return "" },
		"old clients: the first 31744 bytes of the previous offer": func(previous string) string {
			return previous[:min(len(previous), 31744)]
		},
	} {
		var codec frame.SDPCodec
		previous := ""
		for i, offer := range offers {
			got, err := codec.InflateOffer(deflate(offer, dictionary(previous)))
			if err != nil || got != offer {
				t.Fatalf("%s: offer %d: %d bytes instead of %d, %v", name, i, len(got), len(offer), err)
			}
			previous = offer
		}
	}
}

func TestWhatAClientCompressed(t *testing.T) {
	var codec frame.SDPCodec
	codec.Remember("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\na=mid:0\r\n")
	got, err := codec.InflateOffer(unhex(t, "2bb345e6411886bc5c00"))
	if want := "v=0\r\na=mid:0\r\na=mid:1\r\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestResetForgetsTheDictionary(t *testing.T) {
	first, second := description(1, 50), description(1, 60)
	compressed := deflate(second, first)
	var codec frame.SDPCodec
	codec.Remember(first)
	if got, err := codec.InflateOffer(compressed); err != nil || got != second {
		t.Fatalf("with the dictionary: %v", err)
	}
	codec.Remember(first)
	codec.Reset()
	if got, err := codec.InflateOffer(compressed); err == nil && got == second {
		t.Error("the dictionary is still there")
	}
}

func TestFailedOfferKeepsTheDictionary(t *testing.T) {
	first, second := description(1, 50), description(1, 60)
	var codec frame.SDPCodec
	codec.Remember(first)
	if _, err := codec.InflateOffer([]byte{0xff}); errs.CodeOf(err) != errs.Invalid {
		t.Fatalf("garbage: %v", err)
	}
	if got, err := codec.InflateOffer(deflate(second, first)); err != nil || got != second {
		t.Errorf("after garbage: %v", err)
	}
}

func TestInflateOfferIsBounded(t *testing.T) {
	for size, wantErr := range map[int]bool{frame.MaxSDP: false, frame.MaxSDP + 1: true, 8 << 20: true} {
		var codec frame.SDPCodec
		got, err := codec.InflateOffer(deflate(strings.Repeat("v", size), ""))
		if (err != nil) != wantErr || err != nil && errs.CodeOf(err) != errs.Invalid || err == nil && len(got) != size {
			t.Errorf("%d bytes: %d bytes, %v", size, len(got), err)
		}
	}
	for name, compressed := range map[string][]byte{"nothing": nil, "cut off": deflate(description(1, 50), "")[:40]} {
		var codec frame.SDPCodec
		if _, err := codec.InflateOffer(compressed); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswersNeedNoDictionary(t *testing.T) {
	var codec frame.SDPCodec
	codec.Remember(description(1, 50))
	answer := description(1, 60)
	compressed := codec.DeflateAnswer(answer)
	if len(compressed) > len(answer)/2 {
		t.Errorf("%d bytes became %d", len(answer), len(compressed))
	}
	for _, dictionary := range []string{"", "anything else"} {
		got, err := io.ReadAll(flate.NewReaderDict(bytes.NewReader(compressed), []byte(dictionary)))
		if err != nil || string(got) != answer {
			t.Errorf("dictionary %q: %v", dictionary, err)
		}
	}
}

func FuzzInflateOffer(f *testing.F) {
	f.Add(deflate(description(1, 5), ""), "")
	f.Add(deflate(description(1, 5), description(2, 5)), description(2, 5))
	f.Fuzz(func(t *testing.T, compressed []byte, previous string) {
		var codec frame.SDPCodec
		codec.Remember(previous)
		offer, err := codec.InflateOffer(compressed)
		if err != nil {
			if errs.CodeOf(err) != errs.Invalid {
				t.Fatal(err)
			}
			return
		}
		if len(offer) > frame.MaxSDP {
			t.Fatalf("%d bytes", len(offer))
		}
		again, err := codec.InflateOffer(codec.DeflateAnswer(offer))
		if err != nil || again != offer {
			t.Fatalf("not the same again: %v", err)
		}
	})
}

// description returns text that looks like a session description and does not compress to nothing.
func description(seed uint64, lines int) string {
	random := rand.New(rand.NewPCG(seed, 0))
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "a=rtpmap:%d codec/%x\r\n", i%128, random.Uint32())
	}
	return b.String()
}

func deflate(text, dictionary string) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriterDict(&out, flate.BestCompression, []byte(dictionary))
	if err != nil {
		panic(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}
