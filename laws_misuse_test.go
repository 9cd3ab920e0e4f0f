package optimist

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/outbox"
	"github.com/optimist-go/optimist/journal"
)

// misused are the errors of the events that were told since the last call.
func misused(s *Subscription) (all []error) {
	for _, ev := range events(s, event.Misused) {
		all = append(all, ev.Err)
	}
	return all
}

func wantMisused(t *testing.T, s *Subscription, target error, texts ...string) {
	t.Helper()
	all := misused(s)
	if len(all) != len(texts) {
		t.Errorf("%d events: %v", len(all), all)
		return
	}
	for i, text := range texts {
		if is(t, all[i], target); !strings.Contains(all[i].Error(), text) {
			t.Errorf("it says %v, not %q", all[i], text)
		}
	}
}

func TestLaw47_AnOperationOnWhatWasNeverLoadedIsLoud(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		is(t, w.m.SetOnline(false), nil)
		w.set("far", "me", true)
		do(w, w.comment, "far", "x")
		do(w, w.create, "new", "made")
		do(w, w.comment, "new", "y") // of what the creation shows
		w.tap("1", "me")
		cautious := w.creating()
		cautious.Type, cautious.Pessimistic = "cautious", true
		do(w, Register(w.pages, cautious), "shown later", "made")
		move := RegisterGroup(w.m, Group[string]{
			Type: "move",
			Parts: func(string) []Part {
				same := func(p page) (page, error) { return p, nil }
				return []Part{w.pages.CreatePart("copy", same), w.pages.Part("away", same)}
			},
			Send: func(context.Context, Call[string]) ([]EntityTruth, error) { return nil, nil },
		})
		must(move.Execute(w.ctx, "x"))(t)
		must(w.m.Execute(w.ctx, w.update("closure", "9", none)))(t)
		time.Sleep(time.Minute)
		wantMisused(t, sub, ErrNotLoaded) // nothing could leave
		is(t, w.m.SetOnline(true), nil)
		w.flush()
		wantMisused(t, sub, ErrNotLoaded, "move of page:away", "like of page:far")
	})
}

func TestLaw47_ASendLongPastItsTimeIsLoud(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		deaf := func(name string, runs time.Duration, p Policy) {
			def := w.renaming(name)
			def.Policy = p
			def.Send = func(context.Context, Call[string]) (Truth[page], error) { time.Sleep(runs); return Truth[page]{}, nil }
			do(w, Register(w.pages, def), map[string]string{"slow": "1", "deaf": "2", "endless": "3", "due": "4"}[name], "x")
		}
		deaf("slow", 14*time.Second, Policy{})
		deaf("deaf", time.Hour, Policy{})
		deaf("endless", time.Hour, Policy{Retry: Retry{Timeout: -1}})
		deaf("due", time.Hour, Policy{Retry: Retry{Timeout: -1, Deadline: 20 * time.Second}})
		time.Sleep(14500 * time.Millisecond)
		wantMisused(t, sub, ErrStuck)
		time.Sleep(time.Second)
		wantMisused(t, sub, ErrStuck, "send of deaf runs since 15s, and its time was 10s")
		time.Sleep(time.Minute)
		wantMisused(t, sub, ErrStuck, "send of due runs since 25s, and its time was 20s")
		time.Sleep(2 * time.Hour)
		equal(t, "events", len(misused(sub)), 0)
		w.m.mu.Lock()
		armed := w.m.alarm.At()
		w.m.mu.Unlock()
		equal(t, "an idle manager has no timer", armed >= 1<<62, true)
	})
}

// Who listens from the middle of a call on is told as well.
func TestLaw47_ALateSendIsToldToWhoComesLate(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("deaf")
		def.Send = func(context.Context, Call[string]) (Truth[page], error) {
			time.Sleep(time.Hour)
			return Truth[page]{}, nil
		}
		do(w, Register(w.pages, def), "1", "x")
		time.Sleep(time.Minute)
		sub := w.m.Subscribe(SubscribeOptions{})
		time.Sleep(time.Second)
		wantMisused(t, sub, ErrStuck, "send of deaf runs since 1m0s")
	})
}

func TestLaw47_NamesThatNameNothing(t *testing.T) {
	names := map[string]string{
		"":         "is empty",
		"page:":    "no id after the colon",
		"1":        `full name is "page:1"`,
		"nobody":   "of no store",
		"pages:1":  "of no store",
		"page:far": "", // nothing is held of it
		"page:1":   "",
	}
	for name, text := range names {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				sub := w.m.Subscribe(SubscribeOptions{})
				err := w.m.RollbackAll(name)
				if (err == nil) != (text == "") || err != nil && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), text)) {
					t.Errorf("RollbackAll says %v", err)
				}
				var want []string
				if text != "" {
					want = append(want, text)
				}
				equal(t, "pending", w.m.PendingCount(name), 0)
				wantMisused(t, sub, ErrInvalid, want...)
				if name != "" {
					equal(t, "pending", w.m.HasPending(name), false)
					equal(t, "events again", len(misused(sub)), 0)
					wantMisused(t, w.m.Subscribe(SubscribeOptions{Entity: name}), ErrInvalid, want...)
				}
			})
		})
	}
}

// A name that closures may use is no mistake.
func TestLaw47_NamesOfClosures(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		must(w.m.Execute(w.ctx, w.update("x", "1", none)))(t)
		w.flush()
		is(t, w.m.RollbackAll("screen:1"), nil)
		is(t, w.m.RollbackAll("screen:2"), nil)
		is(t, w.m.RollbackAll("7"), ErrInvalid) // page:7 is meant
	})
	m := must(New(Options{}))(t)
	is(t, m.RollbackAll("1"), nil) // a manager without stores is for closures
	is(t, m.Close(t.Context()), nil)
}

func TestLaw47_AnEmptyIDIsLoud(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		w.pages.View("")
		w.pages.Get("")
		w.pages.Forget("")
		for range w.pages.Watch(w.ctx, "") {
			t.Error("a view")
		}
		wantMisused(t, sub, ErrInvalid, "View of", "View of", "Forget of", "Watch of")
	})
}

func TestLaw47_RestoreForgotten(t *testing.T) {
	opts := instant
	opts.Journal = quickJournal{}
	inWorld(t, opts, func(t *testing.T, w *world) {
		for _, err := range []error{
			w.m.Flush(w.ctx),
			func() error { _, err := w.rename.Execute(w.ctx, "1", "x"); return err }(),
			func() error { _, err := w.m.Execute(w.ctx, w.update("x", "1", none)); return err }(),
		} {
			is(t, err, ErrInvalid)
			if !strings.Contains(err.Error(), "Restore") {
				t.Errorf("it says %v", err)
			}
		}
		must(w.m.Restore())(t)
		w.flush()
	})
}

// The error of a refused operation is easily ignored, and a program that only shows what is
// there executes none.
func TestLaw47_RestoreForgottenIsLoud(t *testing.T) {
	left := outbox.Record{Pos: 1, Timestamp: 1, ID: "x-1", Type: "rename", Store: "page", Entity: "1", Slot: "title", Args: []byte("x")}
	opts := instant
	opts.Journal = quickJournal{left: []journal.Record{{Seq: 1, Data: left.Encode()}}}
	const told = "call Restore once all types are registered, before the first operation; operations of an earlier life that wait in the journal: 1"
	t.Run("after a while", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			sub := w.m.Subscribe(SubscribeOptions{})
			time.Sleep(time.Minute - time.Millisecond)
			wantMisused(t, sub, ErrInvalid)
			time.Sleep(time.Second)
			wantMisused(t, sub, ErrInvalid, told)
			time.Sleep(time.Hour)
			w.rename.Execute(w.ctx, "1", "x")
			wantMisused(t, sub, ErrInvalid) // once
			must(w.m.Restore())(t)
		})
	})
	t.Run("to one who comes late", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			time.Sleep(time.Hour)
			sub := w.m.Subscribe(SubscribeOptions{})
			time.Sleep(time.Second)
			wantMisused(t, sub, ErrInvalid, told)
			must(w.m.Restore())(t)
		})
	})
	t.Run("at the first tap", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			sub := w.m.Subscribe(SubscribeOptions{})
			_, err := w.like.Toggle(w.ctx, "1", "me")
			is(t, err, ErrInvalid)
			wantMisused(t, sub, ErrInvalid, told)
			must(w.m.Restore())(t)
			time.Sleep(time.Hour)
			wantMisused(t, sub, ErrInvalid)
		})
	})
	t.Run("not forgotten", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			sub := w.m.Subscribe(SubscribeOptions{})
			time.Sleep(30 * time.Second)
			must(w.m.Restore())(t)
			time.Sleep(time.Hour)
			w.tap("2", "me")
			wantMisused(t, sub, ErrInvalid)
		})
	})
	opts.Journal = quickJournal{}
	t.Run("nothing was left", func(t *testing.T) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			sub := w.m.Subscribe(SubscribeOptions{})
			time.Sleep(time.Hour)
			is(t, w.m.SetOnline(false), nil)
			wantMisused(t, sub, ErrInvalid)
			must(w.m.Restore())(t)
		})
	})
}

func TestLaw47_ATypeThatIsRegisteredAfterRestore(t *testing.T) {
	left := outbox.Record{Pos: 1, Timestamp: 1, ID: "x-1", Type: "late", Store: "page", Entity: "1", Slot: "title", Args: []byte("x")}
	opts := instant
	opts.Journal = quickJournal{left: []journal.Record{{Seq: 1, Data: left.Encode()}}}
	inWorld(t, opts, func(t *testing.T, w *world) {
		must(w.m.Restore())(t)
		is(t, w.m.Err(), nil)
		def := w.renaming("late")
		def.Stored = storedText
		Register(w.pages, def)
		if err := w.m.Err(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "1 of its operations") {
			t.Errorf("it says %v", err)
		}
	})
}
