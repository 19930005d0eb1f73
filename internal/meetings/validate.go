package meetings

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"carillon/internal/errs"
)

const (
	maxTitle        = 500
	maxDescription  = 5000
	maxConferenceID = 128
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func validID(id string) bool { return idPattern.MatchString(id) }

// check applies the rules for what people type.
func (m Meeting) check() error {
	switch {
	case !validID(m.ID):
		return errs.Field("id", `The id may have 1 to 64 letters, digits, "-", "_" and ".".`)
	case m.Title == "":
		return errs.Field("title", "The title must not be empty.")
	case utf8.RuneCountInString(m.Title) > maxTitle:
		return errs.Field("title", "The title must not be longer than %d characters.", maxTitle)
	case !plainText(m.Title, ""):
		return errs.Field("title", "The title must be one line of text.")
	case utf8.RuneCountInString(m.Description) > maxDescription:
		return errs.Field("description", "The description must not be longer than %d characters.", maxDescription)
	case !plainText(m.Description, "\n\r\t"):
		return errs.Field("description", "The description must not contain control characters.")
	case utf8.RuneCountInString(m.ConferenceID) > maxConferenceID || !plainText(m.ConferenceID, ""):
		return errs.Field("meetingId", "The meeting id must not be longer than %d characters.", maxConferenceID)
	}
	return nil
}

// plainText reports whether s is valid UTF-8 without control characters except the allowed ones. PostgreSQL
// refuses NUL and broken UTF-8 in text, so nothing may let them through.
func plainText(s, allowed string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune(allowed, r)
	})
}

// oneLine removes what cannot be part of a displayed name and cuts it to limit characters.
func oneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit]))
	}
	return s
}
