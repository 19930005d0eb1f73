package graphql

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// errorIn returns code and field of the first error of a response.
func errorIn(t *testing.T, body string) (code, field string, found bool) {
	t.Helper()
	var response struct {
		Errors []struct {
			Extensions struct{ Code, Field string }
		}
	}
	if err := json.Unmarshal([]byte(body), &response); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if len(response.Errors) == 0 {
		return "", "", false
	}
	return response.Errors[0].Extensions.Code, response.Errors[0].Extensions.Field, true
}

func TestLimits(t *testing.T) {
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i, i+1)
		}
		return b.String()
	}
	tests := []struct {
		name, query, code string
	}{
		{"two lists", `{ a: listMeetings { items { id } } b: listMeetings { items { id } } }`, ""},
		{"ten lists", "{ " + repeat(10, "a%[1]d: listMeetings { items { id } } ") + "}", "LIMIT_EXCEEDED"},
		{"six joins", "mutation { " + repeat(6, `a%[1]d: joinMeeting(id: "m") { meeting } `) + "}", "LIMIT_EXCEEDED"},
		{"many fields", "{ me { " + repeat(1100, "a%[1]d: id ") + "} }", "INVALID"}, // too many tokens
		{"many fields of fragments", "{ me { ...f ...f ...f ...f } } fragment f on Account { " + repeat(300, "a%[1]d: id ") + "}", "LIMIT_EXCEEDED"},
		// Expands to 2^60 fields.
		{"doubling fragments", "{ me { ...f0 } } " + repeat(60, "fragment f%[1]d on Account { ...f%[2]d ...f%[2]d } ") + "fragment f60 on Account { id }", "LIMIT_EXCEEDED"},
		{"circular fragments", "{ me { ...f } } fragment f on Account { ...g } fragment g on Account { ...f }", "INVALID"},
		{"many tokens", "{ me { id } " + strings.Repeat("x ", maxTokens) + "}", "INVALID"},
		{"brackets", strings.Repeat("{ a ", 8000), "INVALID"},
		{"wide types", "{ " + repeat(30, "a%[1]d: __type(name: \"Query\") { fields { name type { name ofType { name fields { name } } } } } ") + "}", ""},
		{"deep types", `{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } }`, "INVALID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			start := time.Now()
			_, got := w.post(aliceToken, tt.query, `{}`)
			if code, _, _ := errorIn(t, got); code != tt.code {
				t.Errorf("got %.300s, want %q", got, tt.code)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if w.meetings.actor.AccountID != "" && tt.code != "" {
				t.Error("a service was called")
			}
		})
	}
}

// The query that tools send to learn a schema must pass.
func TestFullIntrospection(t *testing.T) {
	const query = `query IntrospectionQuery { __schema {
		queryType { name } mutationType { name } subscriptionType { name }
		types { ...FullType } directives { name description locations args { ...InputValue } } } }
	fragment FullType on __Type { kind name description
		fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
		inputFields { ...InputValue } interfaces { ...TypeRef }
		enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
	fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
	fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
		ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`
	w := newWorld(t)
	status, got := w.post(aliceToken, query, `{}`)
	if _, _, failed := errorIn(t, got); status != 200 || failed || !strings.Contains(got, `"name":"ModelMeetingConnection"`) {
		t.Errorf("got %d %.300s", status, got)
	}
}

// No type of the schema contains itself, so no valid operation reaches the limit; it is for the day when
// one does.
func TestDepth(t *testing.T) {
	for _, tt := range []struct {
		query        string
		depth, nodes int
	}{
		{`{ a }`, 1, 1},
		{`{ a b { c } d }`, 2, 4},
		{`{ a { ... on T { b { c } } } }`, 3, 4},
		{`{ __schema { a { b { c { d } } } } a { b } }`, 2, 7},
		{strings.Repeat("{ a ", 300) + strings.Repeat("}", 300), 300, 300},
	} {
		doc, err := parser.ParseQuery(&ast.Source{Input: tt.query})
		if err != nil {
			t.Fatal(err)
		}
		m := measurer{fragments: map[string]shape{}}
		if got := m.selections(doc.Operations[0].SelectionSet); got.depth != tt.depth || got.nodes != tt.nodes {
			t.Errorf("%.50s: got %+v, want depth %d and %d nodes", tt.query, got, tt.depth, tt.nodes)
		}
		refused := shapeLimit{}.MutateOperationContext(t.Context(), &graphql.OperationContext{Operation: doc.Operations[0]})
		if (refused != nil) != (tt.depth > maxDepth) {
			t.Errorf("%.50s: refused with %v", tt.query, refused)
		}
	}
}
