package servers

import (
	"carillon/test/load/lean"
	"context"
)

type janus struct{}
type mediasoup struct{ root string }

func (*janus) Start(context.Context, string) error                  { return nil }
func (*janus) Pids() []int                                          { return nil }
func (*janus) Room(context.Context, *lean.Engine) (Room, error)     { return nil, nil }
func (*janus) Stop()                                                {}
func (*janus) Info() Info                                           { return Info{} }
func (*mediasoup) Start(context.Context, string) error              { return nil }
func (*mediasoup) Pids() []int                                      { return nil }
func (*mediasoup) Room(context.Context, *lean.Engine) (Room, error) { return nil, nil }
func (*mediasoup) Stop()                                            {}
func (*mediasoup) Info() Info                                       { return Info{} }
