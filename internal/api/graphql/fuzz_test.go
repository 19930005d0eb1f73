package graphql

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// FuzzRequest sends bodies of any kind as a signed-in client. Whatever they hold, the answer is a GraphQL
// response that comes soon and tells nothing of the inside.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		`{"query":"{ me { id name groups } }"}`,
		`{"query":"query Q($l: Int, $f: ModelMeetingFilterInput) { listMeetings(limit: $l, filter: $f) { items { ...m } } } fragment m on Meeting { id createdAt }","variables":{"l":1,"f":{"title":{"contains":"x"}}},"operationName":"Q"}`,
		`{"query":"mutation U($i: UpdateMeetingInput!) { updateMeeting(input: $i) { id } }","variables":{"i":{"id":"m","title":null}}}`,
		`{"query":"{ a: me { ...f ...f } } fragment f on Account { ...g ...g } fragment g on Account { id }"}`,
		`{"query":"{ __schema { types { name fields { name type { ofType { name } } } } } }","extensions":{"x":1}}`,
		`{"query":"subscription { onCreateMeeting { id } }"}`,
		`{"query":"{ me @skip(if: true) { id } }"}`,
		`[]`, `null`, ``,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t)
		start := time.Now()
		status, answer := w.postRaw(aliceToken, body, "application/json")
		var response struct {
			Data   json.RawMessage
			Errors []struct {
				Message    string
				Extensions struct{ Code string }
			}
		}
		if err := json.Unmarshal([]byte(answer), &response); err != nil {
			t.Fatalf("%d %q: %v", status, answer, err)
		}
		for _, e := range response.Errors {
			if e.Extensions.Code == "" || strings.Contains(e.Message, "goroutine ") || strings.Contains(e.Message, "runtime error") {
				t.Errorf("%d %s", status, answer)
			}
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
