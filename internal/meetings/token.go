package meetings

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"

	"carillon/internal/errs"
	"carillon/internal/ids"
)

// A join token is the attendee id (16 bytes) and an HMAC-SHA256 (32 bytes), in hexadecimal digits: it travels
// as an HTTP token, and clients append "#…" to it, so only letters and digits will do.
const (
	attendeeDigits = 32
	tokenDigits    = attendeeDigits + 2*sha256.Size
)

// joinToken derives the token, so that none is stored. It is dead when the conference has ended or the
// attendee's row is gone.
func (s *Service) joinToken(conferenceID, attendeeID string) string {
	return strings.ReplaceAll(attendeeID, "-", "") + hex.EncodeToString(s.tokenMAC(conferenceID, attendeeID))
}

// tokenMAC needs no separator: both ids have a fixed length.
func (s *Service) tokenMAC(conferenceID, attendeeID string) []byte {
	mac := hmac.New(sha256.New, s.cfg.JoinKey)
	mac.Write([]byte(conferenceID + attendeeID))
	return mac.Sum(nil)
}

// attendeeOf returns the attendee that the token was made for, or false when we did not make it for this
// conference. It looks at no row, so that guessing costs no database access.
func (s *Service) attendeeOf(conferenceID, token string) (attendeeID string, ok bool) {
	if len(token) != tokenDigits || !ids.IsGUID(conferenceID) {
		return "", false
	}
	id, err := uuid.Parse(token[:attendeeDigits])
	if err != nil {
		return "", false
	}
	mac, err := hex.DecodeString(token[attendeeDigits:])
	if err != nil {
		return "", false
	}
	return id.String(), hmac.Equal(mac, s.tokenMAC(conferenceID, id.String()))
}

// Authenticate returns whom a join token lets into the conference. The error is Unauthenticated for a token
// that is not valid for it, and Gone for a genuine one when the conference has ended.
func (s *Service) Authenticate(ctx context.Context, conferenceID, joinToken string) (Conference, Attendee, error) {
	conferenceID = strings.ToLower(conferenceID)
	attendeeID, ok := s.attendeeOf(conferenceID, joinToken)
	if !ok {
		return Conference{}, Attendee{}, errs.New(errs.Unauthenticated, "The join token is not valid.")
	}
	c, err := s.cfg.Store.Conference(ctx, conferenceID)
	// We made the token for a conference that existed, so one that is not there any more has ended.
	if errs.CodeOf(err) == errs.NotFound || err == nil && c.EndedAt != nil {
		return Conference{}, Attendee{}, errs.New(errs.Gone, "The meeting has ended.")
	}
	if err != nil {
		return Conference{}, Attendee{}, err
	}
	a, err := s.cfg.Store.Attendee(ctx, conferenceID, attendeeID)
	if err != nil {
		if errs.CodeOf(err) == errs.NotFound {
			err = errs.New(errs.Unauthenticated, "The attendee was removed from the meeting.")
		}
		return Conference{}, Attendee{}, err
	}
	a.JoinToken = joinToken
	return c, a, nil
}

// reportingTime is how long after the end of a conference its attendees may still report about it.
const reportingTime = 15 * time.Minute

// Witness returns whom a join token was made for, also when that person was removed or the conference has
// just ended: what clients report about an ending arrives after it. The error is Unauthenticated for a token that
// is not valid, and Gone when the conference ended longer ago.
func (s *Service) Witness(ctx context.Context, conferenceID, joinToken string) (attendeeID string, err error) {
	conferenceID = strings.ToLower(conferenceID)
	attendeeID, ok := s.attendeeOf(conferenceID, joinToken)
	if !ok {
		return "", errs.New(errs.Unauthenticated, "The join token is not valid.")
	}
	c, err := s.cfg.Store.Conference(ctx, conferenceID)
	if errs.CodeOf(err) == errs.NotFound || err == nil && c.EndedAt != nil && s.now().Sub(*c.EndedAt) > reportingTime {
		return "", errs.New(errs.Gone, "The meeting has ended.")
	}
	return attendeeID, err
}
