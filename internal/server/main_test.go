package server

import (
	"testing"

	"go.uber.org/goleak"
)

// Every test stops its servers and clients, so in the end nothing may run.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
