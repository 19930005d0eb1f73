package graphql

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"carillon/internal/errs"
)

// maxBody bounds a POST body and a WebSocket message, in bytes. The longest description in JSON escapes
// needs half of it.
const maxBody = 64 << 10

// servePost checks everything that the GraphQL library would answer in its own words, then hands over.
func (s *Server) servePost(w http.ResponseWriter, r *http.Request) {
	session, err := s.authenticate(r)
	if err != nil {
		s.logInternal(r.Context(), err)
		refuse(w, statusOf(errs.CodeOf(err)), err)
		return
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, errs.New(errs.Invalid, "The content type must be application/json."))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		refuse(w, http.StatusRequestEntityTooLarge, errs.New(errs.Invalid, "The request is larger than %d KiB.", maxBody>>10))
		return
	}
	if err != nil {
		return // the client went away in the middle of its request
	}
	var params graphql.RawParams
	if err := json.Unmarshal(body, &params); err != nil {
		refuse(w, http.StatusBadRequest, errs.New(errs.Invalid, "The request is not the JSON object of a GraphQL request."))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	r = r.WithContext(withCaller(r.Context(), caller{session: session, request: r}))
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.gql.ServeHTTP(w, r)
}

func errMethod() error {
	return errs.New(errs.Invalid, "Send GraphQL requests with POST, or open a WebSocket.")
}
