// Package webhooks serves the management of webhooks to programs that hold an API key: JSON over HTTP, each
// request signed with AWS Signature Version 4 like those to the Chime API. A key manages its own webhooks. The
// package keeps no state and starts no goroutines.
package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strconv"
	"time"

	"carillon/internal/api/rest"
	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/sigv4"
	"carillon/internal/webhooks"
)

const (
	maxBody     = 64 << 10
	bodyTimeout = 15 * time.Second
)

// Service is what this package needs of webhooks.Service.
type Service interface {
	Create(ctx context.Context, actor authz.Actor, in webhooks.NewWebhook) (webhooks.Webhook, error)
	Get(ctx context.Context, actor authz.Actor, id string) (webhooks.Webhook, error)
	List(ctx context.Context, actor authz.Actor) ([]webhooks.Webhook, error)
	Delete(ctx context.Context, actor authz.Actor, id string) error
	Rotate(ctx context.Context, actor authz.Actor, id string) (webhooks.Webhook, error)
	Test(ctx context.Context, actor authz.Actor, id string) (webhooks.Delivery, error)
	Deliveries(ctx context.Context, actor authz.Actor, id string, q webhooks.Query) ([]webhooks.Delivery, error)
	Replay(ctx context.Context, actor authz.Actor, id string, q webhooks.Query) (int, error)
}

// Verifier checks signatures; sigv4.Verifier is one.
type Verifier interface {
	Verify(r *http.Request, body []byte) (sigv4.Signer, error)
}

// Config is what New needs.
type Config struct {
	Webhooks Service
	Verifier Verifier
	Logger   *slog.Logger
}

// Handler is the API, at /webhooks.
type Handler struct {
	cfg Config
	mux *http.ServeMux
}

// call is one request whose signature was verified.
type call struct {
	*http.Request
	actor authz.Actor
	body  []byte
}

// New returns the API.
func New(cfg Config) *Handler {
	h := &Handler{cfg: cfg, mux: http.NewServeMux()}
	for pattern, answer := range map[string]func(call) (status int, body any, err error){
		"POST /webhooks":                h.create,
		"GET /webhooks":                 h.list,
		"GET /webhooks/{id}":            h.get,
		"DELETE /webhooks/{id}":         h.delete,
		"POST /webhooks/{id}/rotate":    h.rotate,
		"POST /webhooks/{id}/test":      h.test,
		"GET /webhooks/{id}/deliveries": h.deliveries,
		"POST /webhooks/{id}/replay":    h.replay,
	} {
		h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			status, body, err := h.answer(w, r, answer)
			if err != nil {
				h.refuse(w, err)
				return
			}
			rest.Write(w, status, body)
		})
	}
	h.mux.HandleFunc("/", h.nothing)
	return h
}

// ServeHTTP answers one request. Paths that are not clean the mux would redirect, with a page.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path.Clean(r.URL.Path) != r.URL.Path {
		h.nothing(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// refuse answers with the public part of err.
func (h *Handler) refuse(w http.ResponseWriter, err error) {
	code := errs.CodeOf(err)
	if code == errs.Internal {
		h.cfg.Logger.Error("managing webhooks failed", "err", err)
	}
	rest.Refuse(w, rest.Status(code), err)
}

func (h *Handler) nothing(w http.ResponseWriter, _ *http.Request) {
	h.refuse(w, errs.New(errs.NotFound, "There is nothing at this address, or not with this method."))
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, answer func(call) (int, any, error)) (int, any, error) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // test writers have none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return 0, nil, errs.Wrap(err, errs.Invalid, "The body is incomplete, or larger than %d KiB.", maxBody>>10)
	}
	signer, err := h.cfg.Verifier.Verify(r, body)
	if refused := (*sigv4.Error)(nil); errors.As(err, &refused) {
		return 0, nil, errs.New(errs.Unauthenticated, "%s", refused.Message)
	}
	if err != nil {
		return 0, nil, err
	}
	return answer(call{Request: r, actor: authz.Actor{KeyID: signer.AccessKeyID}, body: body})
}

// read reads the body, a JSON object, into v. No body is an empty object.
func (c call) read(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) && wrongType.Field != "" {
			return errs.Field(wrongType.Field, "This has to be a %s.", wrongType.Type)
		}
		return errs.Wrap(err, errs.Invalid, "The body is not a JSON object.")
	}
	return nil
}

func (h *Handler) create(c call) (int, any, error) {
	var in struct {
		Name       string   `json:"name"`
		URL        string   `json:"url"`
		EventTypes []string `json:"eventTypes"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	w, err := h.cfg.Webhooks.Create(c.Context(), c.actor, webhooks.NewWebhook{Name: in.Name, URL: in.URL, EventTypes: in.EventTypes})
	return http.StatusCreated, w, err
}

func (h *Handler) get(c call) (int, any, error) {
	w, err := h.cfg.Webhooks.Get(c.Context(), c.actor, c.PathValue("id"))
	return http.StatusOK, w, err
}

func (h *Handler) list(c call) (int, any, error) {
	list, err := h.cfg.Webhooks.List(c.Context(), c.actor)
	if list == nil {
		list = []webhooks.Webhook{}
	}
	return http.StatusOK, map[string]any{"webhooks": list}, err
}

func (h *Handler) delete(c call) (int, any, error) {
	return http.StatusNoContent, nil, h.cfg.Webhooks.Delete(c.Context(), c.actor, c.PathValue("id"))
}

func (h *Handler) rotate(c call) (int, any, error) {
	w, err := h.cfg.Webhooks.Rotate(c.Context(), c.actor, c.PathValue("id"))
	return http.StatusOK, w, err
}

func (h *Handler) test(c call) (int, any, error) {
	d, err := h.cfg.Webhooks.Test(c.Context(), c.actor, c.PathValue("id"))
	return http.StatusAccepted, d, err
}

func (h *Handler) deliveries(c call) (int, any, error) {
	query := c.URL.Query()
	q := webhooks.Query{DeliveryID: query.Get("id"), State: webhooks.State(query.Get("state"))}
	if text := query.Get("since"); text != "" {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return 0, nil, errs.Field("since", "The time must have the form 2026-01-31T12:00:00Z.")
		}
		q.Since = since
	}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 {
			return 0, nil, errs.Field("limit", "The limit must be a positive number.")
		}
		q.Limit = limit
	}
	list, err := h.cfg.Webhooks.Deliveries(c.Context(), c.actor, c.PathValue("id"), q)
	if list == nil {
		list = []webhooks.Delivery{}
	}
	return http.StatusOK, map[string]any{"deliveries": list}, err
}

func (h *Handler) replay(c call) (int, any, error) {
	var in struct {
		DeliveryID string         `json:"deliveryId"`
		State      webhooks.State `json:"state"`
		Since      time.Time      `json:"since"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if in.DeliveryID == "" && in.State == "" && in.Since.IsZero() {
		return 0, nil, errs.New(errs.Invalid, "Say what to send again: deliveryId, state or since.")
	}
	n, err := h.cfg.Webhooks.Replay(c.Context(), c.actor, c.PathValue("id"),
		webhooks.Query{DeliveryID: in.DeliveryID, State: in.State, Since: in.Since})
	return http.StatusAccepted, map[string]int{"replayed": n}, err
}
