package chime

import (
	"errors"
	"net/http"

	"carillon/internal/errs"
	"carillon/internal/sigv4"
)

// failure is an error as the API's clients know it.
type failure struct {
	status  int
	name    string // exception name, which every SDK finds in the header x-amzn-ErrorType
	code    string // short code of the errors in the API's model, "" for the others
	message string
	// resource is the name of the resource that the error is about, where the model has a place for it.
	resource string
}

func (f failure) Error() string { return f.name + ": " + f.message }

func validation(message string) failure {
	return failure{http.StatusBadRequest, "ValidationException", "", message, ""}
}

func badRequest(message string) failure {
	return failure{http.StatusBadRequest, "BadRequestException", "BadRequest", message, ""}
}

func unreadable(message string) failure {
	return failure{http.StatusBadRequest, "SerializationException", "", message, ""}
}

func unknownOperation(message string) failure {
	return failure{http.StatusNotFound, "UnknownOperationException", "", message, ""}
}

var (
	requestTooLarge = failure{http.StatusRequestEntityTooLarge, "RequestTooLargeException", "", "The body of the request is larger than 1 MiB.", ""}
	serviceFailure  = failure{http.StatusInternalServerError, "ServiceFailureException", "ServiceFailure", "Something went wrong on the server.", ""}
)

// failureOf maps an error to what the client gets.
func failureOf(err error) failure {
	var known failure
	if errors.As(err, &known) {
		return known
	}
	var refused *sigv4.Error
	if errors.As(err, &refused) {
		return failure{http.StatusForbidden, authenticationName(refused.Reason), "", refused.Message, ""}
	}
	message, _ := errs.Public(err)
	switch errs.CodeOf(err) {
	case errs.Invalid:
		return badRequest(message)
	case errs.Unauthenticated, errs.Unconfirmed:
		return failure{http.StatusUnauthorized, "UnauthorizedException", "Unauthorized", message, ""}
	case errs.Forbidden:
		return failure{http.StatusForbidden, "AccessDeniedException", "", message, ""}
	case errs.NotFound, errs.Gone:
		// The domain says "conference", which clients of this API have never heard of.
		return failure{http.StatusNotFound, "NotFoundException", "NotFound", "There is no such meeting, or it has ended.", ""}
	case errs.Conflict:
		return failure{http.StatusConflict, "ConflictException", "Conflict", message, ""}
	case errs.LimitExceeded:
		return failure{http.StatusBadRequest, "LimitExceededException", "ResourceLimitExceeded", message, ""}
	case errs.Throttled:
		return failure{http.StatusTooManyRequests, "ThrottlingException", "Throttling", message, ""}
	case errs.Unavailable:
		return failure{http.StatusServiceUnavailable, "ServiceUnavailableException", "ServiceUnavailable", message, ""}
	default:
		return serviceFailure
	}
}

// authenticationName is the exception name that SDKs expect for each way of failing to authenticate. All
// of them go with status 403.
func authenticationName(reason sigv4.Reason) string {
	switch reason {
	case sigv4.Missing:
		return "MissingAuthenticationTokenException"
	case sigv4.Malformed:
		return "IncompleteSignatureException"
	case sigv4.UnknownKey:
		return "UnrecognizedClientException"
	default:
		return "InvalidSignatureException"
	}
}

// modelledBody and plainBody are the two shapes of an error body. Errors of the API's model carry a short
// code; for the others a code would hide the exception name from some SDKs. "__type" is what the oldest
// SDKs read the name from.
type modelledBody struct {
	Type      string `json:"__type"`
	Code      string
	Message   string
	RequestID string `json:"RequestId"`
	Resource  string `json:"ResourceName,omitempty"`
}

type plainBody struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, requestID string, err error) {
	f := h.failure(failureOf(err))
	switch {
	case r.Context().Err() != nil:
		h.log.Debug("Chime API request was abandoned", "request", requestID, "error", err)
	case f.status >= http.StatusInternalServerError:
		h.log.Error("Chime API request failed", "request", requestID, "error", err)
	default:
		// The client's fault, which anybody on the network can cause at will.
		h.log.Debug("Chime API request refused", "request", requestID, "name", f.name)
	}
	w.Header().Set("X-Amzn-Errortype", f.name)
	if f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	if f.code == "" {
		h.write(w, f.status, plainBody{Type: f.name, Message: f.message})
		return
	}
	h.write(w, f.status, modelledBody{Type: f.name, Code: f.code, Message: f.message, RequestID: requestID, Resource: f.resource})
}
