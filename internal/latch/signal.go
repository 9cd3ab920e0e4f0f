package latch

// Signal tells all who wait for one thing. They share its channel, so that one who gives up
// leaves nothing behind. The zero Signal works. Its methods are called under a lock of the
// caller.
type Signal struct{ given chan struct{} } // nil: nobody has waited since it was given

// Await returns a channel that is closed when the signal is given next.
func (s *Signal) Await() <-chan struct{} {
	if s.given == nil {
		s.given = make(chan struct{})
	}
	return s.given
}

// Awaited reports whether somebody has waited since the signal was given.
func (s *Signal) Awaited() bool { return s.given != nil }

// Give gives the signal.
// It is not inlined: a browser would get too many copies.
//
//go:noinline
func (s *Signal) Give() {
	if s.given != nil {
		close(s.given)
		s.given = nil
	}
}
