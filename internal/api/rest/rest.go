// Package rest writes the answers of the server's own HTTP endpoints: JSON, and refusals in one form, with the status that
// a failure's code stands for. It has no state and starts no goroutines.
package rest

import (
	"encoding/json"
	"net/http"

	"carillon/internal/errs"
)

// Status maps the codes of failures to HTTP.
func Status(code errs.Code) int {
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

// Refuse answers with the public part of err.
func Refuse(w http.ResponseWriter, status int, err error) {
	message, field := errs.Public(err)
	Write(w, status, errorBody{errorText{Code: errs.CodeOf(err), Message: message, Field: field}})
}

// Write answers with a value, which nobody may keep: some answers hold secrets. Nil is an empty answer.
func Write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Cache-Control", "no-store")
	if v == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails when the client went away
}
