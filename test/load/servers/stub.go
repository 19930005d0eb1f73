package servers

import (
	"carillon/test/load/lean"
	"context"
)

type plain struct{ root string }
type livekit struct{ root string }
type janus struct{}
type mediasoup struct{ root string }

func (*plain) Start(context.Context, string) error                  { return nil }
func (*plain) Pids() []int                                          { return nil }
func (*plain) Room(context.Context, *lean.Engine) (Room, error)     { return nil, nil }
func (*plain) Stop()                                                {}
func (*plain) Info() Info                                           { return Info{} }
func (*livekit) Start(context.Context, string) error                { return nil }
func (*livekit) Pids() []int                                        { return nil }
func (*livekit) Room(context.Context, *lean.Engine) (Room, error)   { return nil, nil }
func (*livekit) Stop()                                              {}
func (*livekit) Info() Info                                         { return Info{} }
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
