package httpserver

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"golang.org/x/time/rate"

	"carillon/internal/ids"
)

// requestID is in every answer and in the log line of the request, so that a person who reports a failure
// can name it.
const requestID = "X-Request-Id"

// Failures are logged at most so often: anybody on the network can cause them.
const (
	failureRate  = rate.Limit(5) // lines per second
	failureBurst = 50
)

// observed gives each request an id and writes a line about it when it is over: at level Error when the
// server failed, otherwise at Debug. The query is left out, as it may hold secrets.
func observed(logger *slog.Logger, next http.Handler) http.Handler {
	failures := rate.NewLimiter(failureRate, failureBurst)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := ids.Secret(8)
		w.Header().Set(requestID, id)
		rec := &recorder{ResponseWriter: w}
		defer func() {
			level := slog.LevelDebug
			if rec.status >= http.StatusInternalServerError && failures.Allow() {
				level = slog.LevelError
			}
			logger.Log(r.Context(), level, "request", "id", id, "method", r.Method, "path", r.URL.Path,
				"status", rec.status, "bytes", rec.bytes, "took", time.Since(start), "client", r.RemoteAddr)
		}()
		next.ServeHTTP(rec, r)
	})
}

// recovered answers a panic of a handler with 500 and keeps it from ending the connection without one.
func recovered(logger *slog.Logger, next http.Handler) http.Handler {
	failures := rate.NewLimiter(failureRate, failureBurst)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { // the way to drop a connection on purpose
				panic(cause)
			}
			if failures.Allow() {
				logger.Error("a handler panicked", "id", w.Header().Get(requestID), "path", r.URL.Path,
					"cause", cause, "stack", string(debug.Stack()))
			}
			if rec, ok := w.(*recorder); !ok || rec.status == 0 {
				writeError(w, errInternal())
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// recorder notes what was answered. Unwrap lets http.ResponseController and WebSocket upgrades reach the
// connection.
type recorder struct {
	http.ResponseWriter
	status int // 0 until the header is written
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	// Informational answers come before the one that counts; 101 is the last one.
	if r.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
