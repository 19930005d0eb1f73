package rooms

// Shared is something that a room tells several participants alike. It is used with the lock of the room held.
type Shared[T any] struct {
	Value T // not to be changed

	words []byte
}

// Words returns what find has made of the value for the first participant who was told: in a large room it would
// otherwise be made again for each of them.
func (s *Shared[T]) Words(find func(T) []byte) []byte {
	if s.words == nil {
		s.words = find(s.Value)
	}
	return s.words
}
