// Package chime serves the meetings API of the Amazon Chime SDK (version 2021-07-15, a rest-json
// protocol) and the meeting part of its predecessor (2018-05-01) to unmodified AWS SDKs: it verifies the
// signature, routes on the raw escaped path, checks the input, calls internal/meetings and answers JSON,
// errors included.
//
// What the API calls a meeting is a conference here. Each access key sees only the conferences it made.
// The package keeps no state between requests but the rate limiters of keys, and starts no goroutines.
package chime

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"carillon/internal/accounts"
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
	CreateConferenceWithAttendees(ctx context.Context, actor authz.Actor, in meetings.NewConference, list []meetings.NewAttendee) (meetings.Conference, []meetings.Admission, error)
	GetConference(ctx context.Context, actor authz.Actor, id string) (meetings.Conference, error)
	ListConferences(ctx context.Context, actor authz.Actor, limit int, token string) (list []meetings.Conference, nextToken string, err error)
	DeleteConference(ctx context.Context, actor authz.Actor, id string) error

	CreateAttendees(ctx context.Context, actor authz.Actor, conferenceID string, list []meetings.NewAttendee) ([]meetings.Admission, error)
	GetAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string) (meetings.Attendee, error)
	ListAttendees(ctx context.Context, actor authz.Actor, conferenceID string, limit int, token string) (list []meetings.Attendee, nextToken string, err error)
	DeleteAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string) error
	UpdateCapabilities(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string, to meetings.Capabilities) (meetings.Attendee, error)
	UpdateCapabilitiesExcept(ctx context.Context, actor authz.Actor, conferenceID string, excluded []string, to meetings.Capabilities) error

	ConferenceTags(ctx context.Context, actor authz.Actor, conferenceID string) (map[string]string, error)
	TagConference(ctx context.Context, actor authz.Actor, conferenceID string, tags map[string]string) error
	UntagConference(ctx context.Context, actor authz.Actor, conferenceID string, keys []string) error
	AttendeeTags(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string) (map[string]string, error)
	TagAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string, tags map[string]string) error
	UntagAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string, keys []string) error
}

// Keys is what the API needs of the accounts service.
type Keys interface {
	// Key returns an access key with its secret, or errs.NotFound when it is unknown or revoked.
	Key(ctx context.Context, accessKeyID string) (accounts.APIKey, error)
	// KeyUsed notes that a request was signed with the key.
	KeyUsed(ctx context.Context, k accounts.APIKey) error
}

// Config is what New takes.
type Config struct {
	Meetings  Meetings
	Keys      Keys
	Placement placement.Placement
	// Prefix is the path the API is mounted under, "/chime" when empty. The handler reads the path of the
	// request line, so it makes no difference whether a router has stripped the prefix.
	Prefix string
	// Legacy makes it the meeting part of the older API, 2018-05-01. Nothing in a request tells the two
	// apart, so each has a prefix of its own.
	Legacy bool
	// MediaRegions are names to accept as MediaRegion besides those formed like "eu-central-1".
	MediaRegions []string
	Rates        *Rates           // nil = of its own
	Clock        func() time.Time // nil = time.Now
	Logger       *slog.Logger     // nil = no log
}

// Handler is the API. It answers every request that reaches it with JSON, never with a redirect or a page.
// http.ServeMux redirects paths that are not clean ("//meetings") before it calls a handler, and some SDKs
// retry such an answer, so put the handler in front of the mux for the requests that Handles says are its.
type Handler struct {
	dialect
	meetings     Meetings
	keys         Keys
	placement    placement.Placement
	prefix       string
	mediaRegions []string
	verifier     *sigv4.Verifier
	rates        *Rates
	now          func() time.Time
	routes       []route
	log          *slog.Logger
}

// New returns the API.
func New(cfg Config) *Handler {
	h := &Handler{
		dialect:      current(),
		meetings:     cfg.Meetings,
		keys:         cfg.Keys,
		placement:    cfg.Placement,
		prefix:       strings.TrimSuffix(cfg.Prefix, "/"),
		mediaRegions: slices.Clone(cfg.MediaRegions),
		rates:        cfg.Rates,
		now:          cfg.Clock,
		log:          cfg.Logger,
	}
	if h.rates == nil {
		h.rates = &Rates{}
	}
	if h.now == nil {
		h.now = time.Now
	}
	// All APIs of the product family, old and new, sign for the service "chime".
	h.verifier = sigv4.New("chime", h.findKey, cfg.Clock)
	if cfg.Legacy {
		h.dialect = legacy()
	}
	h.routes = routes(h.dialect)
	if cfg.Prefix == "" {
		h.prefix = "/chime"
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h
}

func (h *Handler) findKey(ctx context.Context, accessKeyID string) (sigv4.Key, error) {
	k, err := h.keys.Key(ctx, accessKeyID)
	return sigv4.Key{Secret: k.Secret, Holder: k}, err
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
	key     accounts.APIKey
	actor   authz.Actor
	region  string     // control region: the one in the credential scope
	labels  []string   // values of the path's labels, decoded
	query   url.Values // as it was signed
}

func (c call) context() context.Context { return c.request.Context() }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := ids.New()
	header := w.Header()
	header.Set("X-Amzn-Requestid", requestID)
	header.Set("Cache-Control", "no-store") // answers hold join tokens, and clients set their clock by Date
	status, reply, err := h.answer(w, r)
	switch {
	case err != nil:
		h.fail(w, r, requestID, err)
	case reply == nil:
		w.WriteHeader(status)
	default:
		h.write(w, status, reply)
	}
}

// answer does the operation and returns the object to send, or nil for an empty answer.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request) (status int, reply any, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("panic in the Chime API", "panic", p, "stack", string(debug.Stack()))
			err = serviceFailure
		}
	}()
	body, err := readBody(w, r)
	if err != nil {
		return 0, nil, err
	}
	signer, err := h.verifier.Verify(r, body)
	if err != nil {
		return 0, nil, err
	}
	c := call{request: r, body: body, key: signer.Holder.(accounts.APIKey), actor: authz.Actor{KeyID: signer.AccessKeyID}, region: signer.Region}
	if err := h.keys.KeyUsed(r.Context(), c.key); err != nil {
		h.log.Warn("the use of an access key was not noted", "key", c.key.ID, "error", err)
	}
	op, err := h.route(&c)
	if err != nil {
		return 0, nil, err
	}
	if err := h.rates.take(h.now(), c.key, op.name); err != nil {
		return 0, nil, err
	}
	reply, err = op.do(h, c)
	return op.status, reply, err
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
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		h.log.Debug("Chime API client went away", "error", err)
	}
}
