// Package ingestion serves the address that clients of the Chime SDK report their events to. They send them
// from pages of any origin with the join token as a bearer token, or, when a page is closed, as a beacon
// with the token in the body. The package keeps no state and starts no goroutines.
package ingestion

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"carillon/internal/api/rest"
	"carillon/internal/errs"
	"carillon/internal/timeline"
)

const (
	maxBody     = 256 << 10 // bytes; browsers send beacons of at most 64 KiB
	bodyTimeout = 15 * time.Second
	retryAfter  = "5" // seconds
)

// Timeline is what this package needs of timeline.Service.
type Timeline interface {
	Accept(ctx context.Context, joinToken string, r timeline.Report) (stored int, err error)
}

// Handler is the address.
type Handler struct {
	timeline Timeline
	log      *slog.Logger
	failures *rate.Limiter // of log lines
}

// New returns the handler.
func New(t Timeline, logger *slog.Logger) *Handler {
	return &Handler{timeline: t, log: logger, failures: rate.NewLimiter(1, 10)}
}

// ServeHTTP takes one report.
//
// Clients try again after 408, 429 and 5xx, and drop what was refused with another status; so only what may
// succeed later gets one of the former.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	// The token is what authorises, and no cookie is read, so pages of any origin may report.
	header.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "POST")
		header.Set("Access-Control-Allow-Headers", "authorization, content-type")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		stored, err := h.accept(w, r)
		if err != nil {
			h.refuse(w, err)
			return
		}
		rest.Write(w, http.StatusOK, map[string]int{"stored": stored})
	default:
		header.Set("Allow", "POST, OPTIONS")
		rest.Refuse(w, http.StatusMethodNotAllowed, errs.New(errs.Invalid, "Events are sent with POST."))
	}
}

var (
	errTooLarge = errs.New(errs.Invalid, "A report must not be larger than %d KiB.", maxBody>>10)
	errSlow     = errs.New(errs.Invalid, "The body did not arrive.")
)

func (h *Handler) accept(w http.ResponseWriter, r *http.Request) (stored int, err error) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // test writers have none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return 0, errTooLarge
	}
	if err != nil {
		return 0, errSlow
	}
	report, err := timeline.Parse(body)
	if err != nil {
		return 0, err
	}
	token := bearer(r.Header.Get("Authorization"))
	if token == "" && r.URL.Query().Get("beacon") != "" {
		token = report.Token
		if scheme := bearer(token); scheme != "" {
			token = scheme
		}
	}
	if token == "" {
		return 0, errs.New(errs.Unauthenticated, "The report carries no join token.")
	}
	return h.timeline.Accept(r.Context(), token, report)
}

// bearer returns the token of an Authorization header (RFC 6750 section 2.1), or "".
func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// status is that of a failure. There must be none that clients take for a reason to try again without need.
func status(err error) int {
	switch {
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errSlow):
		return http.StatusRequestTimeout
	}
	switch code := errs.CodeOf(err); code {
	case errs.LimitExceeded:
		return http.StatusForbidden
	case errs.Internal:
		return http.StatusServiceUnavailable
	default:
		return rest.Status(code)
	}
}

func (h *Handler) refuse(w http.ResponseWriter, err error) {
	code := status(err)
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	if code == http.StatusServiceUnavailable && h.failures.Allow() {
		h.log.Error("client events cannot be stored", "err", err)
	}
	rest.Refuse(w, code, err)
}
