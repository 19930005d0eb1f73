package graphql

import (
	"context"

	"carillon/internal/accounts"
	"carillon/internal/api/graphql/graph"
)

// resolver implements the fields of the root types. It translates and calls a service; who may do what
// is checked there.
type resolver struct{ Config }

func (r *resolver) Query() graph.QueryResolver               { return query{r} }
func (r *resolver) Mutation() graph.MutationResolver         { return mutation{r} }
func (r *resolver) Subscription() graph.SubscriptionResolver { return subscription{r} }

type query struct{ *resolver }

type mutation struct{ *resolver }

func (q query) Me(ctx context.Context) (*accounts.Account, error) {
	return new(callerOf(ctx).session.Account), nil
}

func (m mutation) UpdateProfile(ctx context.Context, name string) (*accounts.Account, error) {
	account, err := m.Accounts.UpdateName(ctx, callerOf(ctx).session, name)
	if err != nil {
		return nil, err
	}
	return &account, nil
}
