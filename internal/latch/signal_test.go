package latch

import "testing"

func TestASignalIsGivenToAllWhoWait(t *testing.T) {
	var s Signal
	if s.Awaited() {
		t.Error("nobody waits")
	}
	s.Give()
	first, second := s.Await(), s.Await()
	if !s.Awaited() {
		t.Error("two wait")
	}
	s.Give()
	<-first
	<-second
	select {
	case <-s.Await():
		t.Error("it was not given since")
	default:
	}
}
