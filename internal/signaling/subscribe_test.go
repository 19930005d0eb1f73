package signaling

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"

	"carillon/internal/signaling/signalpb"
)

// An offer is only remembered for clients that compress: it is up to 31 KiB of memory.
func TestOnlyCompressedOffersReferToEarlierOnes(t *testing.T) {
	earlier := strings.Repeat("not an offer, but a text that can be referred to; ", 20)
	for _, compress := range []bool{true, false} {
		s := &session{compress: compress}
		if _, err := s.subscribe(&signalpb.SdkSubscribeFrame{SdpOffer: &earlier}); err == nil {
			t.Fatal("it is taken for an offer")
		}
		var later bytes.Buffer
		w, err := flate.NewWriterDict(&later, flate.BestCompression, []byte(earlier))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, earlier+"indeed"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		text, err := s.sdp.InflateOffer(later.Bytes())
		if remembered := err == nil && text == earlier+"indeed"; remembered != compress {
			t.Errorf("compresses: %v, remembered: %v", compress, remembered)
		}
	}
}
