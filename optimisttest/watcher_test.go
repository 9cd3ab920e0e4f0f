package optimisttest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
)

func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer[note]()
		p := newProgram(t, s, optimist.Policy{})
		w := Watch(t, p.m, optimist.SubscribeOptions{Entity: "note:1"})
		p.notes.Receive("1", s.Put("1", note{}))
		p.like.Set(t.Context(), "1", "ann", true)
		p.like.Set(t.Context(), "1", "ann", true)
		w.ExpectExactly(
			optimist.Event{Kind: event.Started, Entity: "note:1"},
			optimist.Event{Kind: event.Changed, Number: 1, Value: note{}},
			optimist.Event{Kind: event.Accepted, Type: "like"},
			optimist.Event{Kind: event.Changed, Number: 2, Pending: 1},
			optimist.Event{Kind: event.Joined},
		)
		synctest.Wait()
		w.ExpectNone()
		s.Next(Permanent)
		w.Expect(optimist.Event{Kind: event.Sent, Calls: 1}, optimist.Event{Kind: event.RolledBack, Err: errScripted})
		if ev := w.Wait(event.Settled); ev.Outcome != optimist.RolledBack {
			t.Errorf("%+v", ev)
		}
	})
}

// TestWatcherSays shows the text of a failure.
func TestWatcherSays(t *testing.T) {
	for _, test := range []struct {
		name   string
		expect func(*Watcher)
		want   []string
	}{
		{"not in time", func(w *Watcher) { w.Expect(optimist.Event{Kind: event.Sent}) },
			[]string{"expected sent, and saw\n\tstarted", "accepted Entity=note:1"}},
		{"between", func(w *Watcher) {
			w.ExpectExactly(optimist.Event{Kind: event.Started}, optimist.Event{Kind: event.Settled, Outcome: optimist.Confirmed})
		}, []string{"expected exactly settled Outcome=confirmed, and saw\n\tstarted"}},
		{"some", func(w *Watcher) { w.ExpectNone() }, []string{"expected no event, and saw\n\tstarted"}},
		{"kind", func(w *Watcher) { w.Wait(event.Gap) }, []string{"expected gap, and saw"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewServer[note]()
				p := newProgram(t, s, optimist.Policy{Debounce: optimist.Debounce{Wait: time.Hour, MaxWait: time.Hour}})
				var r recorder
				w := Watch(&r, p.m, optimist.SubscribeOptions{})
				defer w.sub.Close()
				w.Timeout = time.Second
				p.notes.Receive("1", s.Put("1", note{}))
				p.edit.Execute(t.Context(), "1", "x")
				synctest.Wait()
				test.expect(w)
				said := strings.Join(r.said, "\n")
				for _, want := range test.want {
					if !strings.Contains(said, want) {
						t.Errorf("said %q, want %q in it", said, want)
					}
				}
				p.m.ClearAll()
			})
		})
	}
}
