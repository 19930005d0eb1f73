package httpserver

import (
	"net/http"
	"time"
)

const (
	sessionCookie = "carillon_session"
	// The session row decides how long a session lasts, and it moves on with use; the cookie only has to
	// outlive it. Browsers keep cookies for 400 days at most.
	cookieLifetime = 400 * 24 * time.Hour
)

// SessionToken returns the session token in the request's cookie, "" when there is none.
func SessionToken(r *http.Request) string {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// setSession gives the browser a session token; the empty token removes the one it has.
func (a *auth) setSession(w http.ResponseWriter, token string) {
	cookie := &http.Cookie{
		Name:     sessionCookie,
		Value:    token,
		Path:     "/",
		MaxAge:   int(cookieLifetime / time.Second),
		HttpOnly: true, // no script needs it
		Secure:   a.secure,
		// Lax, not Strict: a link to a meeting in a mail must find its reader signed in.
		SameSite: http.SameSiteLaxMode,
	}
	if token == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}
