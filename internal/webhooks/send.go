package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The headers of a request, those of Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// maxError bounds the text about a failure that is kept, in bytes.
const maxError = 500

// newClient makes a client that follows no redirects, keeps no cookies and uses no proxy: what it may
// connect to was checked for the address of the webhook only.
func newClient(guard Guard, encrypted bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            guard.dial(encrypted),
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    defaultTimeout,
			MaxIdleConnsPerHost:    parallel,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 16 << 10,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// attempt sends a delivery once and records how that went.
func (d *Dispatcher) attempt(w Webhook, v Delivery) {
	status, err := d.post(w, v)
	if err != nil && d.ctx.Err() != nil {
		return // broken off by Close; it stays due
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	v.Attempts++
	v.Status, v.Error = status, ""
	switch {
	case err == nil:
		v.State, v.FinishedAt = Delivered, &now
	case now.Sub(v.QueuedAt) >= d.cfg.MaxAge:
		v.State, v.FinishedAt, v.Error = Dead, &now, err.Error()
		d.cfg.Logger.Warn("gave up telling a webhook of an event", "webhook", w.ID, "delivery", v.ID, "attempts", v.Attempts, "reason", err)
	default:
		v.Error = err.Error()
		v.NextAt = now.Add(d.pause(v.Attempts))
		d.cfg.Logger.Debug("telling a webhook of an event failed", "webhook", w.ID, "delivery", v.ID, "attempts", v.Attempts, "reason", err)
	}
	if err := d.cfg.Store.RecordAttempt(context.WithoutCancel(d.ctx), v); err != nil && !gone(err) {
		d.log(err)
		d.rest(pollInterval) // it is still due, and must not be sent over and over
	}
}

// pause is how long to wait after so many failures: twice as long each time, give or take a fifth, so that
// what failed together does not come back together.
func (d *Dispatcher) pause(attempts int) time.Duration {
	p := d.cfg.LastRetry
	if shift := attempts - 1; shift < 30 && d.cfg.FirstRetry<<shift < p {
		p = d.cfg.FirstRetry << shift
	}
	return time.Duration(float64(p) * (0.8 + 0.4*rand.Float64()))
}

// post sends one request. It is an error when the answer is not a success.
func (d *Dispatcher) post(w Webhook, v Delivery) (status int, err error) {
	ctx, cancel := context.WithTimeout(d.ctx, d.cfg.Timeout)
	defer cancel()
	request, err := d.request(ctx, w, v)
	if err != nil {
		return 0, err
	}
	client := d.encrypted
	if request.URL.Scheme == "http" {
		client = d.plain
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, readable(err, d.cfg.Timeout)
	}
	// Reading a little lets the connection be used again; what it says is nobody's business.
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	_ = response.Body.Close()
	if status = response.StatusCode; status < 200 || status > 299 {
		return status, fmt.Errorf("the receiver answered with status %d", status)
	}
	return status, nil
}

func (d *Dispatcher) request(ctx context.Context, w Webhook, v Delivery) (*http.Request, error) {
	if _, err := parseURL(w.URL); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(v.Body))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	signed, err := signatures(d.cfg.SealKey, w, v.EventID, now, v.Body)
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Carillon-Webhooks")
	h.Set(headerID, v.EventID)
	h.Set(headerTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(headerSignature, signed)
	return request, nil
}

// readable makes of an error what whoever made the webhook may read: not the URL, whose query may hold secrets, and
// no addresses of this machine or of its name server. It names a timeout.
func readable(err error, timeout time.Duration) error {
	var name *net.DNSError
	var op *net.OpError
	wrapped := (*url.Error)(nil)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v", timeout)
	case errors.As(err, &name):
		err = errors.New("the name of the host cannot be looked up: " + name.Err)
	case errors.As(err, &op):
		err = fmt.Errorf("%s: %w", op.Op, op.Err)
	case errors.As(err, &wrapped):
		err = wrapped.Err
	}
	text := err.Error()
	return errors.New(strings.ToValidUTF8(text[:min(len(text), maxError)], ""))
}
