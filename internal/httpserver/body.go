package httpserver

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"carillon/internal/errs"
)

// maxBody bounds the body of the requests that this package reads, in bytes.
const maxBody = 64 << 10

// readJSON reads the request's body, one JSON object, into v. The content type has to say JSON, which
// keeps out forms: they can be sent from any page.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return errMediaType()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return errTooLarge()
	}
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "The request is incomplete.")
	}
	if err := json.Unmarshal(body, v); err != nil {
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) && wrongType.Field != "" {
			return errs.Field(wrongType.Field, "This has to be a %s.", wrongType.Type)
		}
		return errs.Wrap(err, errs.Invalid, "The request is not a JSON object.")
	}
	return nil
}
