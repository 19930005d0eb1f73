// Package scalar says how the custom scalars of the GraphQL schema look on the wire. It is apart from
// the resolvers because the generated code imports it.
package scalar

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// dateTimeLayout always has milliseconds, so that instants sort as text.
const dateTimeLayout = "2006-01-02T15:04:05.000Z"

// MarshalDateTime writes an AWSDateTime: ISO 8601, UTC, milliseconds.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(t.UTC().Format(dateTimeLayout)))
	})
}

// UnmarshalDateTime reads an AWSDateTime with any offset from UTC.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, fmt.Errorf("AWSDateTime must be a string")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("AWSDateTime must look like 2026-01-02T03:04:05.678Z")
	}
	return t, nil
}
