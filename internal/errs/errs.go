// Package errs is the small vocabulary of failures that all packages share.
//
// A domain package returns an *Error with a Code; each edge (REST, GraphQL, signaling, command line)
// maps codes to its own protocol in one table. Message is written for the person or program that made
// the request and may be shown to them; the wrapped error is for the log only and never leaves the
// process. The package has no state and starts no goroutines.
package errs

import (
	"errors"
	"fmt"
)

// Code says what kind of failure happened, independent of any protocol.
type Code string

// The codes. They are part of the API that clients see (GraphQL `extensions.code`, auth endpoints), so
// they never change meaning.
const (
	Invalid         Code = "INVALID"         // the input breaks a documented rule
	Unauthenticated Code = "UNAUTHENTICATED" // nobody is signed in, or the credentials are wrong
	Unconfirmed     Code = "UNCONFIRMED"     // the e-mail address is not confirmed yet
	Forbidden       Code = "FORBIDDEN"       // signed in, but not allowed
	NotFound        Code = "NOT_FOUND"       // no such thing, or none that the caller may know of
	Conflict        Code = "CONFLICT"        // clashes with what is already there
	Gone            Code = "GONE"            // it existed and has ended
	LimitExceeded   Code = "LIMIT_EXCEEDED"  // a documented quota is used up
	Throttled       Code = "THROTTLED"       // too many requests; try again later
	Unavailable     Code = "UNAVAILABLE"     // switched off, or not reachable now
	Internal        Code = "INTERNAL"        // our fault
)

// Error is a failure with a code, a message fit for the caller, and optionally the field of the input
// it is about and the cause, which is only logged.
type Error struct {
	Code    Code
	Message string
	Field   string // name of the offending input field in lowerCamelCase, or ""
	Err     error
}

// Error returns the message and, for logs, the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.Err)
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error with a message for the caller.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Field makes an Invalid error about one field of the input.
func Field(field, format string, args ...any) *Error {
	return &Error{Code: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause a code and a message for the caller. A nil cause stays nil, so that callers can
// write `return errs.Wrap(...)` without a branch.
func Wrap(err error, code Code, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: err}
}

// CodeOf returns the code of err, or Internal when err carries none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Public returns the text that may leave the process, and the field it is about.
func Public(err error) (message, field string) {
	var e *Error
	if errors.As(err, &e) && e.Code != Internal {
		return e.Message, e.Field
	}
	return "Something went wrong on the server.", ""
}
