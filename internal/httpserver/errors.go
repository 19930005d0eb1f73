package httpserver

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/api/rest"
	"carillon/internal/errs"
)

// statusError is a failure with a status of HTTP's own that no code stands for.
type statusError struct {
	status int
	error
}

func (e statusError) Unwrap() error { return e.error }

// writeError answers with the public part of err.
func writeError(w http.ResponseWriter, err error) {
	code := errs.CodeOf(err)
	if code == errs.Throttled {
		w.Header().Set("Retry-After", retryAfter(err))
	}
	answer := rest.Status(code)
	if special := (statusError{}); errors.As(err, &special) {
		answer = special.status
	}
	rest.Refuse(w, answer, err)
}

// defaultRetry is what a client is told to wait when the failure does not say how long.
const defaultRetry = 30 * time.Second

// retryAfter is the time to wait in whole seconds, rounded up (RFC 9110 section 10.2.3).
func retryAfter(err error) string {
	wait := defaultRetry
	if retry := (*accounts.RetryError)(nil); errors.As(err, &retry) {
		wait = retry.After
	}
	return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
}

func errCrossOrigin() error {
	return errs.New(errs.Forbidden, "Requests from pages of other sites are not allowed.")
}

func errNoPage() error { return errs.New(errs.NotFound, "There is nothing at this address.") }

func errNotReady() error { return errs.New(errs.Unavailable, "The server is not ready.") }

func errInternal() error { return errs.New(errs.Internal, "") }

func errTooLarge() error {
	return statusError{http.StatusRequestEntityTooLarge, errs.New(errs.Invalid, "The request is larger than %d KiB.", maxBody>>10)}
}

func errMediaType() error {
	return statusError{http.StatusUnsupportedMediaType, errs.New(errs.Invalid, "The content type must be application/json.")}
}

func errMethod() error {
	return statusError{http.StatusMethodNotAllowed, errs.New(errs.Invalid, "The method is not allowed here.")}
}
