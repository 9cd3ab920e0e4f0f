package optimist

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What a program's own code does badly or slowly stays its own.

func TestLaw04_ASlowRollbackHoldsNobodyElse(t *testing.T) {
	for name, rollback := range map[string]func(ctx context.Context, other *Handle){
		"slow":                   func(context.Context, *Handle) { time.Sleep(time.Hour) },
		"waits for another lane": func(ctx context.Context, other *Handle) { other.Wait(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.MaxInFlight = 1
			inWorld(t, opts, func(t *testing.T, w *world) {
				w.server.next("1", reply{before: time.Second, fails: errNever})
				others := make(chan *Handle, 1)
				u := w.update("slow", "1", func() func() { return func() { rollback(w.ctx, <-others) } })
				must(w.m.Execute(w.ctx, u))(t)
				synctest.Wait()
				other := do(w, w.comment, "2", "x")
				others <- other
				w.time(2 * time.Second)
				equal(t, "calls", len(w.server.heard()), 2)
				w.outcome(other, Confirmed)
				w.time(time.Hour)
			})
		})
	}
}

func TestLaw28_AnErrorThatPanicsIsContained(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		u := w.update("typed nil", "1", func() func() { return nil })
		u.Send = func(context.Context) error {
			var none *SendError
			return none
		}
		h := must(w.m.Execute(w.ctx, u))(t)
		w.flush()
		w.outcome(h, RolledBack)
	})
}

func TestLaw28_ArgumentsThatReferToThemselvesAreRefused(t *testing.T) {
	type node struct{ Next *node }
	inWorld(t, instant, func(t *testing.T, w *world) {
		nothing := Register(w.pages, Mutation[page, *node]{
			Type: "nothing", Apply: func(p page, _ *node) (page, error) { return p, nil },
			Send: func(context.Context, Call[*node]) (Truth[page], error) { return Truth[page]{}, nil },
		})
		is(t, w.m.Err(), nil)
		n := &node{}
		n.Next = n
		_, err := nothing.Execute(w.ctx, "1", n)
		is(t, err, ErrInvalid)
	})
}

func TestLaw28_TruthThatIsNoneSaysNothing(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("odd")
		def.Send = func(context.Context, Call[string]) (Truth[page], error) {
			return Truth[page]{Presence: 9, Version: 7}, nil
		}
		h := do(w, Register(w.pages, def), "1", "a")
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "shown", w.view("1").Title, "a")
	})
}

// slowDisk takes longer for a write than a call may take.
type slowDisk struct{ slowJournal }

func (slowDisk) Write([]JournalRecord) error { time.Sleep(600 * time.Millisecond); return nil }

func TestLaw12_TheTimeoutBeginsWhenTheDiskKnows(t *testing.T) {
	opts := instant
	opts.Journal = slowDisk{}
	opts.Policy.Retry.Timeout = 500 * time.Millisecond
	inWorld(t, opts, func(t *testing.T, w *world) {
		must(w.m.Restore())(t)
		def := w.renaming("stored")
		def.Stored = Stored[string]{
			Encode: func(s string) ([]byte, error) { return []byte(s), nil },
			Decode: func(_ int, b []byte) (string, error) { return string(b), nil },
		}
		send := def.Send
		def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) {
			is(t, ctx.Err(), nil)
			return send(ctx, c)
		}
		h := do(w, Register(w.pages, def), "1", "a")
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "calls", len(w.server.heard()), 1)
	})
}

func TestLaw25_DoneIsOneChannel(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		h := w.tap("1", "me")
		done := h.Done()
		equal(t, "asked again", h.Done() == done, true)
		w.flush()
		<-done
		<-h.Done()
	})
}
