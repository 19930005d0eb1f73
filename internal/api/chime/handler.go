// Package chime serves the meetings API of the Amazon Chime SDK (version 2021-07-15, a rest-json
// protocol) to unmodified AWS SDKs: it verifies the signature, routes on the raw escaped path, checks the
// input, calls internal/meetings and answers JSON, errors included.
//
// What the API calls a meeting is a conference here. Each access key sees only the conferences it made.
// The package keeps no state between requests and starts no goroutines.
package chime

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"carillon/internal/api/placement"
	"carillon/internal/authz"
	"carillon/internal/ids"
	"carillon/internal/meetings"
	"carillon/internal/sigv4"
)

// maxBody is more than any valid request of the API can need.
const maxBody = 1 << 20

// bodyTimeout is how long a client may take to send a body.
const bodyTimeout = 15 * time.Second

// Meetings is what the API needs of the meetings service.
type Meetings interface {
	CreateConference(ctx context.Context, actor authz.Actor, in meetings.NewConference) (meetings.Conference, error)
	GetConference(ctx context.Context, actor authz.Actor, id string) (meetings.Conference, error)
	DeleteConference(ctx context.Context, actor authz.Actor, id string) error
	CreateAttendee(ctx context.Context, actor authz.Actor, conferenceID string, in meetings.NewAttendee) (meetings.Attendee, error)
}

// Keys is what the API needs of the accounts service.
type Keys interface {
	// KeySecret returns the secret of an access key, or errs.NotFound when it is unknown or revoked.
	KeySecret(ctx context.Context, accessKeyID string) (secret string, err error)
}

// Config is what New takes.
type Config struct {
	Meetings  Meetings
	Keys      Keys
	Placement placement.Placement
	// Prefix is the path the API is mounted under, "/chime" when empty. The handler reads the path of the
	// request line, so it makes no difference whether a router has stripped the prefix.
	Prefix string
	// MediaRegions are names to accept as MediaRegion besides those formed like "eu-central-1".
	MediaRegions []string
	Clock        func() time.Time // nil = the system clock
	Logger       *slog.Logger     // nil = no log
}

// Handler is the API. It answers every request that reaches it with JSON, never with a redirect or a page.
// http.ServeMux redirects paths that are not clean ("//meetings") before it calls a handler, and some SDKs
// retry such an answer, so put the handler in front of the mux for the requests that Handles says are its.
type Handler struct {
	meetings     Meetings
	placement    placement.Placement
	prefix       string
	mediaRegions []string
	verifier     *sigv4.Verifier
	routes       []route
	log          *slog.Logger
}

// New returns the API.
func New(cfg Config) *Handler {
	h := &Handler{
		meetings:     cfg.Meetings,
		placement:    cfg.Placement,
		prefix:       strings.TrimSuffix(cfg.Prefix, "/"),
		mediaRegions: slices.Clone(cfg.MediaRegions),
		// All APIs of the product family sign for the service "chime".
		verifier: sigv4.New("chime", cfg.Keys.KeySecret, cfg.Clock),
		routes:   routes(),
		log:      cfg.Logger,
	}
	if cfg.Prefix == "" {
		h.prefix = "/chime"
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h
}

// Handles reports whether the request is one for the API.
func (h *Handler) Handles(r *http.Request) bool {
	rest, ok := strings.CutPrefix(sigv4.RawPath(r), h.prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// call is one request whose signature was verified.
type call struct {
	request *http.Request
	body    []byte
	actor   authz.Actor
	region  string   // control region: the one in the credential scope
	labels  []string // values of the path's labels, decoded
}

func (c call) context() context.Context { return c.request.Context() }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := ids.New()
	header := w.Header()
	header.Set("X-Amzn-Requestid", requestID)
	header.Set("Cache-Control", "no-store") // answers hold join tokens, and clients set their clock by Date
	reply, err := h.answer(w, r)
	if err != nil {
		h.fail(w, r, requestID, err)
		return
	}
	if reply == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.write(w, http.StatusOK, reply)
}

// answer does the operation and returns the object to send, or nil for an empty answer.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request) (reply any, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("panic in the Chime API", "panic", p, "stack", string(debug.Stack()))
			err = serviceFailure
		}
	}()
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	signer, err := h.verifier.Verify(r, body)
	if err != nil {
		return nil, err
	}
	op, labels, err := h.route(r)
	if err != nil {
		return nil, err
	}
	return op(h, call{
		request: r,
		body:    body,
		actor:   authz.Actor{KeyID: signer.AccessKeyID},
		region:  signer.Region,
		labels:  labels,
	})
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	// Nobody is known yet, so nobody may hold the connection by sending slowly. Not every writer has a
	// deadline to set; those of tests have none and need none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, requestTooLarge
	}
	if err != nil {
		return nil, unreadable("The body could not be read.")
	}
	return body, nil
}

func (h *Handler) write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // only plain structs of strings and numbers come here
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		h.log.Debug("Chime API client went away", "error", err)
	}
}
