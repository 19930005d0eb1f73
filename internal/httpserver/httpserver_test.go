package httpserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/errs"
)

// fakeAccounts answers every call with fail, or with success for alice.
type fakeAccounts struct {
	fail        error
	unconfirmed bool
	calls       []string
	signIn      accounts.SignIn
}

const goodToken = "good-token"

func (f *fakeAccounts) alice() accounts.Account {
	return accounts.Account{ID: "a1", Email: "alice@example.org", Name: "Alice", Confirmed: !f.unconfirmed}
}

func (f *fakeAccounts) call(format string, args ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.fail
}

func (f *fakeAccounts) SignUp(_ context.Context, in accounts.SignUp) (accounts.Account, error) {
	return f.alice(), f.call("SignUp %s %s %s %s", in.Email, in.Password, in.Name, in.RemoteAddr)
}

func (f *fakeAccounts) ConfirmEmail(_ context.Context, email, code string) error {
	return f.call("ConfirmEmail %s %s", email, code)
}

func (f *fakeAccounts) ResendConfirmation(_ context.Context, email string) error {
	return f.call("ResendConfirmation %s", email)
}

func (f *fakeAccounts) SignIn(_ context.Context, in accounts.SignIn) (accounts.Session, error) {
	f.signIn = in
	return accounts.Session{Token: "new-token", Account: f.alice()}, f.call("SignIn %s %s", in.Email, in.Password)
}

func (f *fakeAccounts) Authenticate(_ context.Context, token string) (accounts.Session, error) {
	if token != goodToken {
		return accounts.Session{}, errs.New(errs.Unauthenticated, "Sign in first.")
	}
	return accounts.Session{ID: "s1", Account: f.alice()}, nil
}

func (f *fakeAccounts) SignOut(_ context.Context, token string) error {
	return f.call("SignOut %s", token)
}

func (f *fakeAccounts) ChangePassword(_ context.Context, s accounts.Session, oldPassword, newPassword string) error {
	return f.call("ChangePassword %s %s %s", s.ID, oldPassword, newPassword)
}

// setup returns a handler, its accounts and its log.
func setup(t *testing.T, change func(*Config)) (http.Handler, *fakeAccounts, *bytes.Buffer) {
	t.Helper()
	fake, logged := &fakeAccounts{}, &bytes.Buffer{}
	cfg := Config{
		Accounts: fake,
		SignUp:   accounts.Open,
		Web: fstest.MapFS{
			"index.html":          {Data: []byte("<!doctype html><title>app</title>")},
			"favicon.svg":         {Data: []byte("<svg/>")},
			"assets/app-1a2b.js":  {Data: []byte("console.log('app')")},
			"assets/big-3c.js":    {Data: []byte(strings.Repeat("x", 1000))},
			"assets/big-3c.js.gz": {Data: []byte("packed")},
			".gitkeep":            {},
		},
		Logger: slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h, fake, logged
}

// request makes a request like a browser's on a page of the server itself.
func request(method, path, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func do(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func TestAuthEndpoints(t *testing.T) {
	signedIn := []string{"Cookie", sessionCookie + "=" + goodToken}
	const aliceJSON = `{"id":"a1","email":"alice@example.org","name":"Alice","groups":[],"confirmed":true}`
	tests := []struct {
		name               string
		unconfirmed        bool
		method, path, body string
		headers            []string
		status             int
		answer             string
		calls              string
		cookie             string // of the session after the answer; "-" = removed, "" = left alone
	}{
		{name: "sign up", method: "POST", path: "/auth/sign-up", body: `{"email":"alice@example.org","password":"secret password","name":"Alice"}`,
			status: 201, answer: `{"account":` + aliceJSON + `,"confirmationRequired":false}`,
			calls: "SignUp alice@example.org secret password Alice 192.0.2.1; SignIn alice@example.org secret password", cookie: "new-token"},
		{name: "sign up with confirmation", unconfirmed: true, method: "POST", path: "/auth/sign-up", body: `{"email":"alice@example.org","password":"p"}`,
			status: 201, answer: `{"account":` + strings.Replace(aliceJSON, "true", "false", 1) + `,"confirmationRequired":true}`,
			calls: "SignUp alice@example.org p  192.0.2.1"},
		{name: "confirm", method: "POST", path: "/auth/confirm", body: `{"email":"e","code":"123456"}`, status: 204, calls: "ConfirmEmail e 123456"},
		{name: "resend", method: "POST", path: "/auth/resend", body: `{"email":"e"}`, status: 204, calls: "ResendConfirmation e"},
		{name: "sign in", method: "POST", path: "/auth/sign-in", body: `{"email":"e","password":"p"}`,
			status: 200, answer: `{"account":` + aliceJSON + `}`, calls: "SignIn e p", cookie: "new-token"},
		{name: "sign in again ends the session before", method: "POST", path: "/auth/sign-in", body: `{"email":"e","password":"p"}`, headers: signedIn,
			status: 200, answer: `{"account":` + aliceJSON + `}`, calls: "SignIn e p; SignOut " + goodToken, cookie: "new-token"},
		{name: "sign out", method: "POST", path: "/auth/sign-out", headers: signedIn, status: 204, calls: "SignOut " + goodToken, cookie: "-"},
		{name: "sign out without a session", method: "POST", path: "/auth/sign-out", status: 204, cookie: "-"},
		{name: "change password", method: "POST", path: "/auth/change-password", body: `{"oldPassword":"o","newPassword":"n"}`, headers: signedIn,
			status: 204, calls: "ChangePassword s1 o n"},
		{name: "change password signed out", method: "POST", path: "/auth/change-password", body: `{"oldPassword":"o","newPassword":"n"}`,
			status: 401, answer: `{"error":{"code":"UNAUTHENTICATED","message":"Sign in first."}}`},
		{name: "change password with an old cookie", method: "POST", path: "/auth/change-password", body: `{}`, headers: []string{"Cookie", sessionCookie + "=old"},
			status: 401, answer: `{"error":{"code":"UNAUTHENTICATED","message":"Sign in first."}}`},
		{name: "config", method: "GET", path: "/auth/config", status: 200, answer: `{"signUp":"open","emailConfirmation":false}`},

		{name: "no such endpoint", method: "POST", path: "/auth/nothing", body: `{}`, status: 404, answer: `{"error":{"code":"NOT_FOUND","message":"There is nothing at this address."}}`},
		{name: "wrong method", method: "GET", path: "/auth/sign-in", status: 405, answer: `{"error":{"code":"INVALID","message":"The method is not allowed here."}}`},
		{name: "not JSON", method: "POST", path: "/auth/sign-in", body: `email=e`, status: 400, answer: `{"error":{"code":"INVALID","message":"The request is not a JSON object."}}`},
		{name: "a list", method: "POST", path: "/auth/sign-in", body: `[]`, status: 400, answer: `{"error":{"code":"INVALID","message":"The request is not a JSON object."}}`},
		{name: "wrong type of a field", method: "POST", path: "/auth/sign-in", body: `{"email":1}`, status: 400,
			answer: `{"error":{"code":"INVALID","message":"This has to be a string.","field":"email"}}`},
		{name: "a form", method: "POST", path: "/auth/sign-in", body: `{"email":"e"}`, headers: []string{"Content-Type", "text/plain"},
			status: 415, answer: `{"error":{"code":"INVALID","message":"The content type must be application/json."}}`},
		{name: "too large", method: "POST", path: "/auth/sign-in", body: `{"email":"` + strings.Repeat("e", maxBody) + `"}`,
			status: 413, answer: `{"error":{"code":"INVALID","message":"The request is larger than 64 KiB."}}`},
		{name: "page of another site", method: "POST", path: "/auth/sign-in", body: `{"email":"e","password":"p"}`, headers: []string{"Sec-Fetch-Site", "cross-site"},
			status: 403, answer: `{"error":{"code":"FORBIDDEN","message":"Requests from pages of other sites are not allowed."}}`},
		{name: "page of another origin, old browser", method: "POST", path: "/auth/sign-out", headers: append([]string{"Origin", "https://evil.example"}, signedIn...),
			status: 403, answer: `{"error":{"code":"FORBIDDEN","message":"Requests from pages of other sites are not allowed."}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, fake, logged := setup(t, nil)
			fake.unconfirmed = tt.unconfirmed
			res := do(h, request(tt.method, tt.path, tt.body, tt.headers...))
			if got := bodyOf(t, res); res.StatusCode != tt.status || got != tt.answer {
				t.Errorf("got %d %s, want %d %s", res.StatusCode, got, tt.status, tt.answer)
			}
			if got := strings.Join(fake.calls, "; "); got != tt.calls {
				t.Errorf("calls %q, want %q", got, tt.calls)
			}
			if got := sessionAfter(res); got != tt.cookie {
				t.Errorf("session cookie %q, want %q", got, tt.cookie)
			}
			if res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q", res.Header.Get("Cache-Control"))
			}
			for _, secret := range []string{goodToken, "new-token", "secret password", "alice@"} {
				if strings.Contains(logged.String(), secret) {
					t.Errorf("%q was logged", secret)
				}
			}
		})
	}
}

func sessionAfter(res *http.Response) string {
	for _, c := range res.Cookies() {
		if c.Name == sessionCookie && c.MaxAge < 0 {
			return "-"
		} else if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

func TestErrorCodes(t *testing.T) {
	tests := []struct {
		err    error
		status int
		answer string
		retry  string
	}{
		{errs.Field("email", "Bad address."), 400, `{"code":"INVALID","message":"Bad address.","field":"email"}`, ""},
		{errs.New(errs.Unauthenticated, "m"), 401, `{"code":"UNAUTHENTICATED","message":"m"}`, ""},
		{errs.New(errs.Unconfirmed, "m"), 403, `{"code":"UNCONFIRMED","message":"m"}`, ""},
		{errs.New(errs.Forbidden, "m"), 403, `{"code":"FORBIDDEN","message":"m"}`, ""},
		{errs.New(errs.NotFound, "m"), 404, `{"code":"NOT_FOUND","message":"m"}`, ""},
		{errs.New(errs.Conflict, "m"), 409, `{"code":"CONFLICT","message":"m"}`, ""},
		{errs.New(errs.Gone, "m"), 410, `{"code":"GONE","message":"m"}`, ""},
		{errs.New(errs.LimitExceeded, "m"), 429, `{"code":"LIMIT_EXCEEDED","message":"m"}`, ""},
		{errs.Wrap(&accounts.RetryError{After: 1200 * time.Millisecond}, errs.Throttled, "m"), 429, `{"code":"THROTTLED","message":"m"}`, "2"},
		{errs.New(errs.Throttled, "m"), 429, `{"code":"THROTTLED","message":"m"}`, "30"},
		{errs.New(errs.Unavailable, "m"), 503, `{"code":"UNAVAILABLE","message":"m"}`, ""},
		{errs.Wrap(errors.New("disk full"), errs.Internal, "insert"), 500, `{"code":"INTERNAL","message":"Something went wrong on the server."}`, ""},
		{errors.New("disk full"), 500, `{"code":"INTERNAL","message":"Something went wrong on the server."}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			h, fake, logged := setup(t, nil)
			fake.fail = tt.err
			res := do(h, request("POST", "/auth/sign-in", `{"email":"e","password":"p"}`))
			if got, want := bodyOf(t, res), `{"error":`+tt.answer+`}`; res.StatusCode != tt.status || got != want {
				t.Errorf("got %d %s, want %d %s", res.StatusCode, got, tt.status, want)
			}
			if got := res.Header.Get("Retry-After"); got != tt.retry {
				t.Errorf("Retry-After is %q, want %q", got, tt.retry)
			}
			if sessionAfter(res) != "" {
				t.Error("a cookie was set")
			}
			if internal := tt.status == 500; internal != strings.Contains(logged.String(), "disk full") {
				t.Errorf("the cause in the log: %v, want %v", !internal, internal)
			}
		})
	}
}

func TestSessionCookie(t *testing.T) {
	for _, tt := range []struct {
		publicURL string
		secure    bool
	}{{"", false}, {"http://meet.example.org", false}, {"https://meet.example.org/base", true}} {
		h, fake, _ := setup(t, func(c *Config) { c.PublicURL = tt.publicURL })
		r := request("POST", "/auth/sign-in", `{"email":"e","password":"p"}`, "User-Agent", "browser", "X-Forwarded-For", "203.0.113.9")
		res := do(h, r)
		if len(res.Cookies()) != 1 {
			t.Fatalf("cookies: %v", res.Cookies())
		}
		c := res.Cookies()[0]
		if c.Name != "carillon_session" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge < 30*24*3600 || c.Secure != tt.secure {
			t.Errorf("public address %q: cookie %v", tt.publicURL, c)
		}
		if fake.signIn.RemoteAddr.String() != "192.0.2.1" || fake.signIn.UserAgent != "browser" {
			t.Errorf("signed in from %v with %q", fake.signIn.RemoteAddr, fake.signIn.UserAgent)
		}
	}
}

func TestPublicOriginIsTrusted(t *testing.T) {
	h, _, _ := setup(t, func(c *Config) { c.PublicURL = "https://meet.example.org" })
	r := request("POST", "/auth/sign-out", "", "Origin", "https://meet.example.org")
	r.Host = "10.0.0.5:8080" // as a proxy may send it
	if res := do(h, r); res.StatusCode != 204 {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestBadPublicAddress(t *testing.T) {
	for _, address := range []string{"meet.example.org", "//meet.example.org", "https://", "://"} {
		if _, err := New(Config{PublicURL: address}); err == nil {
			t.Errorf("%q was accepted", address)
		}
	}
}

func TestRouting(t *testing.T) {
	answer := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name+" "+r.URL.Path) })
	}
	ready := errors.New("the database is gone")
	h, _, _ := setup(t, func(c *Config) {
		c.GraphQL, c.Chime, c.Signal = answer("graphql"), answer("chime"), answer("signal")
		c.Console = answer("console")
		c.Ready = func() error { return ready }
	})
	crossSite := []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://other.example"}
	tests := []struct {
		method, path string
		headers      []string
		status       int
		body         string
	}{
		{"POST", "/graphql", nil, 200, "graphql /graphql"},
		{"POST", "/graphql", crossSite, 403, `{"error":{"code":"FORBIDDEN","message":"Requests from pages of other sites are not allowed."}}`},
		{"POST", "/chime/meetings", nil, 200, "chime /chime/meetings"},
		{"POST", "/chime/meetings", crossSite, 200, "chime /chime/meetings"},
		{"POST", "/chime", nil, 200, "chime /chime"},
		{"POST", "/chime//meetings", nil, 200, "chime /chime//meetings"},
		{"GET", "/console//meetings", nil, 200, "console /console//meetings"},
		{"GET", "/console", nil, 200, "console /console"},
		{"POST", "/chime/meetings/../x", nil, 200, "chime /chime/meetings/../x"},
		{"GET", "/signal/abc", crossSite, 200, "signal /signal/abc"},
		{"GET", "/healthz", nil, 200, "ok"},
		{"GET", "/readyz", nil, 503, `{"error":{"code":"UNAVAILABLE","message":"The server is not ready."}}`},
	}
	for _, tt := range tests {
		res := do(h, request(tt.method, tt.path, "", tt.headers...))
		if got := bodyOf(t, res); res.StatusCode != tt.status || got != tt.body {
			t.Errorf("%s %s %v: got %d %q, want %d %q", tt.method, tt.path, tt.headers, res.StatusCode, got, tt.status, tt.body)
		}
	}
	ready = nil
	if res := do(h, request("GET", "/readyz", "")); res.StatusCode != 200 {
		t.Errorf("ready: got %d", res.StatusCode)
	}
	bare, _, _ := setup(t, nil)
	if res := do(bare, request("POST", "/graphql", "{}")); res.StatusCode != 404 {
		t.Errorf("without a handler: got %d", res.StatusCode)
	}
}

func TestSecurityHeaders(t *testing.T) {
	h, _, _ := setup(t, func(c *Config) { c.PublicURL = "https://meet.example.org" })
	for _, path := range []string{"/", "/auth/config", "/nowhere", "/healthz"} {
		header := do(h, request("GET", path, "")).Header
		csp := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'self'", "script-src 'self'", "connect-src 'self' ws: wss:", "worker-src 'self' blob:", "media-src 'self' blob:", "img-src 'self' data: blob:", "style-src 'self' 'unsafe-inline'", "frame-ancestors 'none'"} {
			if !strings.Contains("; "+csp+";", "; "+want+";") {
				t.Errorf("%s: %q is not in the policy %q", path, want, csp)
			}
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options":    "nosniff",
			"X-Frame-Options":           "DENY",
			"Strict-Transport-Security": "max-age=31536000",
		} {
			if header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, header.Get(name))
			}
		}
		for _, want := range []string{"camera=(self)", "microphone=(self)", "display-capture=(self)"} {
			if !strings.Contains(header.Get("Permissions-Policy"), want) {
				t.Errorf("%s: %s is not permitted: %s", path, want, header.Get("Permissions-Policy"))
			}
		}
		if len(header.Get("X-Request-Id")) != 16 {
			t.Errorf("%s: request id %q", path, header.Get("X-Request-Id"))
		}
	}
	plain, _, _ := setup(t, nil)
	if got := do(plain, request("GET", "/", "")).Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("without TLS browsers are told to insist on it: %q", got)
	}
}

func TestPanicsAndLog(t *testing.T) {
	var written bool
	h, _, logged := setup(t, func(c *Config) {
		c.Chime = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if written {
				io.WriteString(w, "half an answer")
			}
			panic("boom")
		})
	})
	res := do(h, request("GET", "/chime/x?token=hush", ""))
	if got := bodyOf(t, res); res.StatusCode != 500 || got != `{"error":{"code":"INTERNAL","message":"Something went wrong on the server."}}` {
		t.Errorf("got %d %s", res.StatusCode, got)
	}
	for _, want := range []string{"cause=boom", "path=/chime/x", "status=500", "id=" + res.Header.Get("X-Request-Id"), "level=ERROR"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, logged)
		}
	}
	if strings.Contains(logged.String(), "hush") {
		t.Error("the query was logged")
	}
	written = true
	if got := bodyOf(t, do(h, request("GET", "/chime/x", ""))); got != "half an answer" {
		t.Errorf("after a panic in the middle: %q", got)
	}
}

func TestFailureLogIsBounded(t *testing.T) {
	h, _, logged := setup(t, func(c *Config) {
		c.Chime = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })
	})
	for range 20 * failureBurst {
		do(h, request("GET", "/chime/x", ""))
	}
	if n := strings.Count(logged.String(), "level=ERROR"); n < failureBurst || n > 4*failureBurst {
		t.Errorf("%d lines at level Error", n)
	}
}

// A connection must be reachable through the wrappers, or no WebSocket could be opened.
func TestUpgradesPass(t *testing.T) {
	h, _, _ := setup(t, func(c *Config) {
		c.Signal = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			rw.Flush()
		})
	})
	server := httptest.NewServer(h)
	defer server.Close()
	res, err := http.Get(server.URL + "/signal/x")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("got %d", res.StatusCode)
	}
}
