package sigv4

import "fmt"

// Reason says why a request was not accepted.
type Reason string

// The reasons.
const (
	Missing      Reason = "missing"       // no credentials in the request
	Malformed    Reason = "malformed"     // credentials that cannot be read, or parts of them missing
	UnknownKey   Reason = "unknown key"   // no such access key, or a session token
	BadScope     Reason = "bad scope"     // signed for another service or day
	BadTime      Reason = "bad time"      // signed too long ago, or in the future
	BadBody      Reason = "bad body"      // the stated body hash is not that of the body
	BadSignature Reason = "bad signature" // the signature does not match
)

// Error is a request that was not accepted. The message is fit for the client and holds no secret.
type Error struct {
	Reason  Reason
	Message string
}

// Error returns the reason and the message.
func (e *Error) Error() string { return string(e.Reason) + ": " + e.Message }

func fail(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
