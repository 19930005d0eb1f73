package mixer

import "testing"

// A source whose packets make the decoding panic falls silent, and nobody else does.
func TestPanicSilencesOneSource(t *testing.T) {
	r := NewRoom(Config{})
	bad, good := r.AddSource(SourceConfig{}), r.AddSource(SourceConfig{})
	r.AddSink(SinkConfig{Exclude: []*Source{bad}})
	speaker := newSender(t, voice(130))
	bad.taken = 1 // of nothing: it panics like an index that a packet has led astray
	talk := false
	for range 50 {
		p := speaker.next()
		good.Push(&p.header, p.payload, p.level)
		r.Step(func(_ *Sink, f *Frame) { talk = f.Talk })
	}
	if !bad.broken {
		t.Fatal("the source has not panicked")
	}
	if !talk {
		t.Error("the other talker is not heard")
	}
}
