package httpserver

import (
	"net/http"
	"strings"
)

// policy is the Content Security Policy. Scripts come from the server's own files only, so a text that
// somebody smuggles into a page stays a text. Blobs are what media libraries make: worker scripts, and
// pictures and sound of the meeting. Inline styles are what the component library writes.
func policy() string {
	return strings.Join([]string{
		"default-src 'self'",
		"script-src 'self'",
		"style-src 'self' 'unsafe-inline'",
		"img-src 'self' data: blob:",
		"media-src 'self' blob:",
		"worker-src 'self' blob:",
		// Not all browsers take 'self' to include ws: of the same host.
		"connect-src 'self' ws: wss:",
		"object-src 'none'",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
	}, "; ")
}

const permissions = "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()"

// secured adds the security headers to every answer.
func secured(https bool, next http.Handler) http.Handler {
	csp := policy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("Permissions-Policy", permissions)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// Addresses of meetings are nobody else's business.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
