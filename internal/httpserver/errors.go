package httpserver

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/errs"
)

// status maps the codes of failures to HTTP.
func status(code errs.Code) int {
	switch code {
	case errs.Invalid:
		return http.StatusBadRequest
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Unconfirmed, errs.Forbidden:
		return http.StatusForbidden
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.Gone:
		return http.StatusGone
	case errs.LimitExceeded, errs.Throttled:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// errorBody is the body of every refusal: {"error":{"code":"INVALID","message":"…","field":"email"}}.
type errorBody struct {
	Error errorText `json:"error"`
}

type errorText struct {
	Code    errs.Code `json:"code"`
	Message string    `json:"message"`
	Field   string    `json:"field,omitempty"`
}

// statusError is a failure with a status of HTTP's own that no code stands for.
type statusError struct {
	status int
	error
}

func (e statusError) Unwrap() error { return e.error }

// writeError answers with the public part of err.
func writeError(w http.ResponseWriter, err error) {
	code := errs.CodeOf(err)
	message, field := errs.Public(err)
	if code == errs.Throttled {
		w.Header().Set("Retry-After", retryAfter(err))
	}
	answer := status(code)
	if special := (statusError{}); errors.As(err, &special) {
		answer = special.status
	}
	writeJSON(w, answer, errorBody{errorText{Code: code, Message: message, Field: field}})
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

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails when the client went away
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
