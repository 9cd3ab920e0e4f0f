package server_test

import (
	"context"
	"errors"
	"testing"

	"github.com/optimist-go/optimist/bench/internal/model"
	"github.com/optimist-go/optimist/bench/internal/server"
)

var add = model.Op{Kind: model.Add, N: 1, Tap: 7}

func TestAKeyTakesEffectOnce(t *testing.T) {
	s := server.New(server.Options{})
	for range 3 {
		got, err := s.Call(context.Background(), "k", "e0", add)
		if err != nil || got.Count != 1 || got.Version != 2 {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	if s.Duplicates() != 0 || s.Effects(7) != 1 || s.Calls() != 3 {
		t.Errorf("duplicates %d, effects %d, calls %d", s.Duplicates(), s.Effects(7), s.Calls())
	}
}

func TestAnotherKeyForTheSameTapIsADuplicate(t *testing.T) {
	s := server.New(server.Options{})
	for _, key := range []string{"k1", "k2"} {
		if _, err := s.Call(context.Background(), key, "e0", add); err != nil {
			t.Fatal(err)
		}
	}
	if s.Duplicates() != 1 {
		t.Errorf("duplicates %d, want 1", s.Duplicates())
	}
}

func TestAHeldCallEndsAsReleased(t *testing.T) {
	for outcome, want := range map[model.Outcome]error{
		model.OK: nil, model.Transient: server.ErrBusy, model.Permanent: server.ErrRefused, model.Lost: server.ErrNoAnswer,
	} {
		s := server.New(server.Options{Hold: true})
		ended := make(chan error)
		go func() {
			_, err := s.Call(context.Background(), "k", "e0", add)
			ended <- err
		}()
		for !s.Release("e0", outcome) {
		}
		if err := <-ended; !errors.Is(err, want) {
			t.Errorf("outcome %d: %v, want %v", outcome, err, want)
		}
		applied := s.Truth("e0").Count == 1
		if applied != (outcome == model.OK || outcome == model.Lost) {
			t.Errorf("outcome %d: applied is %v", outcome, applied)
		}
	}
}

func TestAHeldCallEndsWithItsContext(t *testing.T) {
	s := server.New(server.Options{Hold: true})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Call(ctx, "k", "e0", add); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
