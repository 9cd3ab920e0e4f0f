package server

import (
	"context"
	"errors"
	"testing"
)

// TestWhatComesToAQueueThatHasEndedIsAnswered: nobody takes it, and nobody may wait for it.
func TestWhatComesToAQueueThatHasEndedIsAnswered(t *testing.T) {
	k := &Kit{}
	q := newQueue(k, nil)
	ended, end := context.WithCancel(t.Context())
	end()
	for range 100 { // it is a matter of chance how far each gets
		f := &flight{ctx: t.Context(), landed: make(chan struct{})}
		q.add(ended, f)
		select {
		case <-f.landed:
		default:
			t.Fatal("it waits")
		}
		if !errors.Is(f.err, ErrUnavailable) {
			t.Fatalf("it is told %v", f.err)
		}
	}
}
