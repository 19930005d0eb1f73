package webhooks

import (
	"encoding/json"
	"net/http"

	"carillon/internal/errs"
)

// status maps the codes of failures to HTTP.
func status(code errs.Code) int {
	switch code {
	case errs.Invalid:
		return http.StatusBadRequest
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Forbidden:
		return http.StatusForbidden
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.LimitExceeded, errs.Throttled:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

type errorText struct {
	Code    errs.Code `json:"code"`
	Message string    `json:"message"`
	Field   string    `json:"field,omitempty"`
}

// refuse answers with the public part of err.
func (h *Handler) refuse(w http.ResponseWriter, err error) {
	code := errs.CodeOf(err)
	if code == errs.Internal {
		h.cfg.Logger.Error("managing webhooks failed", "err", err)
	}
	message, field := errs.Public(err)
	write(w, status(code), map[string]errorText{"error": {Code: code, Message: message, Field: field}})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store") // some answers hold secrets
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails when the client went away
}
