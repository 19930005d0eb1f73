package frame

import (
	"bytes"
	"compress/flate"
	"io"

	"carillon/internal/errs"
)

const (
	// MaxSDP is the most bytes that an offer may have once it is inflated.
	MaxSDP = 1 << 20

	// dictionarySize is how much of the previous offer clients give DEFLATE as a preset dictionary: the
	// first bytes of the text, not the last. It is the 32 KiB window less 1 KiB.
	dictionarySize = 31 << 10
)

// SDPCodec compresses the session descriptions of one signaling connection: raw DEFLATE (RFC 1951)
// without the zlib header. The zero value is ready for use. Not safe for several goroutines.
//
// Older clients use their previous offer as dictionary, newer ones none. A stream made without a
// dictionary never refers to one, so offering the previous offer to the inflater serves both.
type SDPCodec struct {
	dictionary []byte // beginning of the previous offer; nil before the first
}

// InflateOffer returns the text of a compressed offer and remembers it for the next. On an error, which
// carries errs.Invalid, the previous offer stays remembered.
func (c *SDPCodec) InflateOffer(compressed []byte) (string, error) {
	reader := flate.NewReaderDict(bytes.NewReader(compressed), c.dictionary)
	text, err := io.ReadAll(io.LimitReader(reader, MaxSDP+1))
	if err != nil {
		return "", errs.Wrap(err, errs.Invalid, "The compressed offer cannot be inflated.")
	}
	if len(text) > MaxSDP {
		return "", errs.New(errs.Invalid, "The offer is larger than %d bytes.", MaxSDP)
	}
	offer := string(text)
	c.Remember(offer)
	return offer, nil
}

// Remember notes an offer that came uncompressed: it is the dictionary of the next compressed one all
// the same.
func (c *SDPCodec) Remember(offer string) {
	c.dictionary = append(c.dictionary[:0], offer[:min(len(offer), dictionarySize)]...)
}

// Reset forgets the previous offer. Clients do so at every JOIN.
func (c *SDPCodec) Reset() { c.dictionary = nil }

// DeflateAnswer compresses an answer, never with a dictionary: clients accept that always, while which
// dictionary they hold depends on what they received before.
func (c *SDPCodec) DeflateAnswer(answer string) []byte {
	var out bytes.Buffer
	writer, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		panic(err) // only for a level out of range
	}
	// A bytes.Buffer takes every write.
	_, _ = io.WriteString(writer, answer)
	_ = writer.Close()
	return out.Bytes()
}
