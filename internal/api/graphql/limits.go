package graphql

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"carillon/internal/api/graphql/graph"
	"carillon/internal/errs"
)

// What one operation may cost. A client that stays below these needs no knowledge of them: the largest
// operation of the web client has a depth of 3, and a full introspection query fits.
const (
	maxTokens     = 2000 // lexical tokens of a document
	maxDepth      = 10   // nested fields, introspection not counted
	maxNodes      = 1000 // fields and fragments after expansion
	maxComplexity = 1000 // sum of the costs below
	cachedQueries = 100  // parsed documents kept
)

// costs sets what a field costs where it is not one plus its children: roughly what it makes the
// database do.
func costs() graph.ComplexityRoot {
	var c graph.ComplexityRoot
	c.Query.GetMeeting = func(children int, _ string) int { return 10 + children }
	c.Query.ListMeetings = func(children int, _ *graph.ModelMeetingFilterInput, _ *int, _ *string) int { return 100 + children }
	c.Mutation.CreateMeeting = func(children int, _ graph.CreateMeetingInput) int { return 50 + children }
	c.Mutation.UpdateMeeting = func(children int, _ graph.UpdateMeetingInput) int { return 50 + children }
	c.Mutation.DeleteMeeting = func(children int, _ graph.DeleteMeetingInput) int { return 50 + children }
	c.Mutation.JoinMeeting = func(children int, _ string, _ *string) int { return 200 + children }
	c.Mutation.UpdateProfile = func(children int, _ string) int { return 50 + children }
	return c
}

// shapeLimit refuses operations that are too deep, or that grow too large when their fragments are
// expanded. It must run before anything that walks the expanded operation: a few dozen fragments that
// each spread the next one twice expand to more nodes than a machine can visit.
type shapeLimit struct{}

func (shapeLimit) ExtensionName() string                   { return "ShapeLimit" }
func (shapeLimit) Validate(graphql.ExecutableSchema) error { return nil }

func (shapeLimit) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	m := measurer{fragments: map[string]shape{}}
	s := m.selections(op.Operation.SelectionSet)
	if s.depth > maxDepth {
		return limitError("The operation is nested more than %d levels deep.", maxDepth)
	}
	if s.nodes > maxNodes {
		return limitError("The operation has more than %d fields.", maxNodes)
	}
	return nil
}

func limitError(format string, args ...any) *gqlerror.Error {
	err := errs.New(errs.LimitExceeded, format, args...)
	return &gqlerror.Error{Message: err.Message, Err: err, Extensions: extensions(err.Code, "")}
}

// costLimit is the library's complexity limit with our error code. The code has to be right here:
// sockets send the error of a mutator without passing it to present.
type costLimit struct{ *extension.ComplexityLimit }

func newCostLimit() costLimit { return costLimit{extension.FixedComplexityLimit(maxComplexity)} }

func (l costLimit) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if err := l.ComplexityLimit.MutateOperationContext(ctx, op); err != nil {
		return limitError("%s", err.Message)
	}
	return nil
}

// shape is the size of an expanded selection.
type shape struct{ depth, nodes int }

// add is the shape of two selections side by side. Nodes saturate just above the limit, so that they
// cannot overflow.
func (s shape) add(t shape) shape {
	return shape{depth: max(s.depth, t.depth), nodes: min(s.nodes+t.nodes, maxNodes+1)}
}

// measurer visits each fragment once. Validation has refused fragments that contain themselves.
type measurer struct{ fragments map[string]shape }

func (m measurer) selections(set ast.SelectionSet) shape {
	var total shape
	for _, selection := range set {
		total = total.add(m.selection(selection))
	}
	return total
}

func (m measurer) selection(selection ast.Selection) shape {
	node := shape{nodes: 1}
	switch s := selection.(type) {
	case *ast.Field:
		inner := m.selections(s.SelectionSet)
		inner.depth++
		if s.Name == "__schema" || s.Name == "__type" {
			inner.depth = 1 // the types of types nest deeper; validation bounds them by a rule of its own
		}
		return node.add(inner)
	case *ast.InlineFragment:
		return node.add(m.selections(s.SelectionSet))
	case *ast.FragmentSpread:
		known, ok := m.fragments[s.Name]
		if !ok {
			known = m.selections(s.Definition.SelectionSet)
			m.fragments[s.Name] = known
		}
		return node.add(known)
	}
	return node
}
