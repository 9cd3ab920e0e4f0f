package enginetest

// Source is where a driver's choices come from: bytes of a seed, or of a fuzzer.
type Source struct {
	bytes []byte
	at    int
}

// NewSource returns a source of the bytes, and of zeros after them.
func NewSource(bytes []byte) *Source { return &Source{bytes: bytes} }

// Empty reports whether only zeros are left.
func (s *Source) Empty() bool { return s.at >= len(s.bytes) }

// Below is a number from 0 to n-1.
func (s *Source) Below(n int) int {
	if s.Empty() {
		return 0
	}
	b := s.bytes[s.at]
	s.at++
	return int(b) % n
}

// One is true once in n times.
func (s *Source) One(n int) bool { return s.Below(n) == n-1 }

// Pick is one of several.
func Pick[T any](s *Source, all ...T) T { return all[s.Below(len(all))] }
