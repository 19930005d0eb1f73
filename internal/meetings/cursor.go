package meetings

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"carillon/internal/errs"
)

// cursorMAC is the length of the authentication of a cursor, in bytes.
const cursorMAC = 16

// cursor encodes the place after which a list of the Chime API goes on. It is bound to what is listed (a
// conference, or an access key) and authenticated, so that one from another list is refused and not just
// read wrongly.
func (s *Service) cursor(list string, p Position) string {
	place := strconv.FormatInt(p.CreatedAt.UnixMicro(), 10) + " " + p.ID
	return base64.RawURLEncoding.EncodeToString(append(s.cursorMAC(list, place), place...))
}

func (s *Service) readCursor(list, token string) (*Position, error) {
	if token == "" {
		return nil, nil
	}
	refused := errs.Field("nextToken", "The token is not one that this list has given.")
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) <= cursorMAC {
		return nil, refused
	}
	place := string(b[cursorMAC:])
	if !hmac.Equal(b[:cursorMAC], s.cursorMAC(list, place)) {
		return nil, refused
	}
	micros, id, _ := strings.Cut(place, " ")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return nil, refused
	}
	return &Position{CreatedAt: time.UnixMicro(n).UTC(), ID: id}, nil
}

// cursorMAC uses the join key under a prefix that no conference id begins with.
func (s *Service) cursorMAC(list, place string) []byte {
	mac := hmac.New(sha256.New, s.cfg.JoinKey)
	mac.Write([]byte("cursor " + list + " " + place))
	return mac.Sum(nil)[:cursorMAC]
}
