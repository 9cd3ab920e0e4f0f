package optimist_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// durable lets a journal in memory pass for one on a disk that survives.
type durable struct{ *memjournal.Journal }

func (durable) Durability() journal.Durability { return journal.DurablePower }

type note struct {
	Text string
	Done bool
}

type edit struct{ Text string }

func stored[A any]() optimist.Stored[A] {
	return optimist.Stored[A]{
		Version: 1,
		Encode:  func(a A) ([]byte, error) { return json.Marshal(a) },
		Decode: func(_ int, data []byte) (a A, err error) {
			err = json.Unmarshal(data, &a)
			return a, err
		},
	}
}

// life is a program between two crashes: a manager on a disk, with a server that
// outlives it.
type life struct {
	t        *testing.T
	m        *optimist.Manager
	notes    *optimist.Store[note]
	edit     *optimist.Action[note, edit]
	done     *optimist.Action[note, bool]
	move     *optimist.GroupAction[[2]string]
	restored optimist.Restored
}

// world is what survives crashes.
type world struct {
	disk   memjournal.Disk
	seen   []string // ids in the order in which the server got them
	effect map[string]string
	lose   int // answers to lose
	reject error
	mu     sync.Mutex // guards seen, effect and lose during calls

	offline bool // a life begins without a network, so that nothing that it restores is sent
}

func (w *world) take(ctx context.Context, id, what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reject != nil {
		return w.reject
	}
	w.seen = append(w.seen, id)
	if w.effect == nil {
		w.effect = make(map[string]string)
	}
	w.effect[id] = what
	if w.lose > 0 {
		w.lose--
		w.mu.Unlock()
		<-ctx.Done()
		w.mu.Lock()
		return ctx.Err()
	}
	return nil
}

func (w *world) start(t *testing.T, opts optimist.Options) *life {
	t.Helper()
	j, err := w.disk.Open()
	if err != nil {
		t.Fatal(err)
	}
	opts.Journal = durable{j}
	m, err := optimist.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, m: m, notes: optimist.NewStore[note](m, "note")}
	l.edit = optimist.Register(l.notes, optimist.Mutation[note, edit]{
		Type: "edit", Kind: optimist.Create, Slot: func(edit) string { return "text" }, Stored: stored[edit](),
		Policy: optimist.Policy{Failure: optimist.Park},
		Apply:  func(n note, e edit) (note, error) { n.Text = e.Text; return n, nil },
		Send: func(ctx context.Context, c optimist.Call[edit]) (optimist.Truth[note], error) {
			return optimist.Truth[note]{}, w.take(ctx, c.ID, "edit "+c.Entity+" "+c.Args.Text)
		},
	})
	l.done = optimist.Register(l.notes, optimist.Mutation[note, bool]{
		Type: "done", Kind: optimist.Create, Stored: stored[bool](),
		Apply: func(n note, on bool) (note, error) { n.Done = on; return n, nil },
		Send: func(ctx context.Context, c optimist.Call[bool]) (optimist.Truth[note], error) {
			return optimist.Truth[note]{}, w.take(ctx, c.ID, fmt.Sprintf("done %s %v", c.Entity, c.Args))
		},
	})
	l.move = optimist.RegisterGroup(m, optimist.Group[[2]string]{
		Type: "move", Stored: stored[[2]string](),
		Parts: func(a [2]string) []optimist.Part {
			set := func(text string) func(note) (note, error) {
				return func(n note) (note, error) { n.Text = text; return n, nil }
			}
			return []optimist.Part{l.notes.CreatePart(a[0], set("moved away")), l.notes.CreatePart(a[1], set("moved here"))}
		},
		Send: func(ctx context.Context, c optimist.Call[[2]string]) ([]optimist.EntityTruth, error) {
			return nil, w.take(ctx, c.ID, "move "+c.Args[0]+" "+c.Args[1])
		},
	})
	if w.offline {
		m.SetOnline(false)
	}
	if l.restored, err = m.Restore(); err != nil {
		t.Fatal(err)
	}
	return l
}

// crash ends the process: nothing is written any more.
func (w *world) crash(l *life) {
	w.disk.Crash()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	l.m.Close(ended)
}

func must[R any](r R, err error) func(testing.TB) R {
	return func(t testing.TB) R {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

func TestLaw29_JournalBeforeSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		h := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		if err := h.Await(ctx, optimist.Journaled); err != nil {
			t.Fatal(err)
		}
		if w.disk.Writes() == 0 || len(w.seen) != 0 {
			t.Fatalf("%d writes, %d calls; want the operation on disk before its call", w.disk.Writes(), len(w.seen))
		}
		must(h.Wait(ctx))(t)
		if err := l.m.Close(ctx); err != nil {
			t.Fatal(err)
		}
		l = w.start(t, optimist.Options{})
		if n := len(l.restored.Operations); n != 0 {
			t.Fatalf("%d operations restored after all were settled", n)
		}
		l.m.Close(ctx)
	})
}

func TestLaw30_CrashInsideDebounceLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		h := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		id, at := h.ID(), h.Timestamp()
		synctest.Wait()
		w.crash(l)

		l = w.start(t, optimist.Options{})
		if len(l.restored.Operations) != 1 {
			t.Fatalf("%d operations restored, want 1", len(l.restored.Operations))
		}
		r := l.restored.Operations[0]
		if v, _ := l.notes.Get("1"); v.Text != "a" {
			t.Fatalf("the view after the restart is %+v", v)
		}
		if r.ID() != id || r.Timestamp() != at {
			t.Fatalf("restored %s at %v, want %s at %v", r.ID(), r.Timestamp(), id, at)
		}
		if res := must(r.Wait(ctx))(t); !res.Success() || !slices.Equal(w.seen, []string{id}) {
			t.Fatalf("%+v, server saw %v", res, w.seen)
		}
		l.m.Close(ctx)
	})
}

func TestLaw30_InFlightIsSentAgainWithTheSameKeyBeforeLaterOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		w := world{lose: 1}
		l := w.start(t, optimist.Options{})
		first := must(l.done.Execute(ctx, "1", true))(t)
		second := must(l.done.Execute(ctx, "1", false))(t)
		group := must(l.move.Execute(ctx, [2]string{"1", "2"}, second))(t)
		ids := []string{first.ID(), second.ID(), group.ID()}
		time.Sleep(time.Second) // the first is under way, its answer lost
		w.crash(l)

		l = w.start(t, optimist.Options{})
		var got []string
		for _, h := range l.restored.Operations {
			got = append(got, h.ID())
		}
		if !slices.Equal(got, ids) {
			t.Fatalf("restored %v, want %v", got, ids)
		}
		if a, b := l.notes.View("1").Value, l.notes.View("2").Value; a.Text != "moved away" || a.Done || b.Text != "moved here" {
			t.Fatalf("views after the restart: %+v %+v", a, b)
		}
		if err := l.m.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if r := must(l.restored.Operations[0].Wait(ctx))(t); r.Calls != 2 {
			t.Fatalf("the first operation has %d calls, want the one before the crash and the one after", r.Calls)
		}
		if want := append([]string{ids[0]}, ids...); !slices.Equal(w.seen, want) {
			t.Fatalf("the server saw %v, want %v", w.seen, want)
		}
		l.m.Close(ctx)
	})
}

func TestLaw30_ParkedStaysParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		w := world{reject: optimist.Fail(optimist.Permanent, errors.New("too rude"))}
		l := w.start(t, optimist.Options{})
		must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		if err := l.m.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.crash(l)

		w.reject = nil
		l = w.start(t, optimist.Options{})
		h := l.restored.Operations[0]
		if h.State() != optimist.Parked || l.notes.View("1").Parked != 1 {
			t.Fatalf("state %v, view %+v", h.State(), l.notes.View("1"))
		}
		if os := l.m.Snapshot().Entities[0].Operations[0]; os.Err == nil {
			t.Fatal("the reason was forgotten")
		}
		if err := h.Retry(); err != nil {
			t.Fatal(err)
		}
		if r := must(h.Wait(ctx))(t); !r.Success() {
			t.Fatalf("%+v", r)
		}
		l.m.Close(ctx)
	})
}

func TestLaw18_ClockAndSequenceSurviveRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		future := optimist.TimestampOf(time.Now().Add(time.Minute))
		l.notes.Receive("1", optimist.Truth[note]{Presence: optimist.Present, Version: 1, At: future})
		h := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		must(h.Wait(ctx))(t)
		at, client := h.Timestamp(), l.m.ClientID()
		synctest.Wait()
		w.crash(l)

		l = w.start(t, optimist.Options{})
		if l.m.ClientID() != client {
			t.Fatal("the client id was forgotten")
		}
		h = must(l.edit.Execute(ctx, "1", edit{"b"}))(t)
		if h.Timestamp() <= at || at <= future {
			t.Fatalf("stamps %v, then after the restart %v", at, h.Timestamp())
		}
		l.m.Close(ctx)
	})
}

// The stamp of an operation may be far ahead of the clock that gave it, in the journal as
// well. A new life's clock does not follow, but later operations of the entity do.
func TestLaw18_ARestoredStampMovesTheClockByNoMoreThanItsDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		far := optimist.TimestampOf(time.Now().Add(59 * time.Minute))
		l.notes.Receive("1", optimist.Truth[note]{Presence: optimist.Present, Version: 1, At: far})
		l.m.SetOnline(false)
		at := must(l.edit.Execute(ctx, "1", edit{"a"}))(t).Timestamp()
		synctest.Wait()
		w.crash(l)

		l = w.start(t, optimist.Options{})
		l.m.SetOnline(false)
		for _, id := range []string{"1", "2"} {
			l.notes.Receive(id, optimist.Truth[note]{Presence: optimist.Present, Version: 1})
		}
		elsewhere := must(l.edit.Execute(ctx, "2", edit{"b"}))(t).Timestamp()
		if elsewhere.Time().After(time.Now().Add(5 * time.Minute)) {
			t.Errorf("the clock has followed a stamp to %v", elsewhere)
		}
		if next := must(l.edit.Execute(ctx, "1", edit{"c"}))(t).Timestamp(); at <= far || next <= at {
			t.Errorf("stamps %v, then %v, then after the restart %v", far, at, next)
		}
		w.crash(l)
	})
}

func TestLaw31_UnknownTypesAreQuarantined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var w world
		l := w.start(t, optimist.Options{})
		h := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
		must(l.done.Execute(ctx, "1", true, h))(t)
		synctest.Wait()
		w.crash(l)

		// A version of the program that does not know "edit" any more.
		j, _ := w.disk.Open()
		m, err := optimist.New(optimist.Options{Journal: durable{j}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Restore()
		if err != nil || len(got.Operations) != 0 || len(got.Quarantined) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		q := m.Quarantined()[0].Snapshot()
		if q.Type != "edit" || q.Store != "note" || q.EntityID != "1" || string(q.Args.([]byte)) != `{"Text":"a"}` || q.ID != h.ID() {
			t.Fatalf("%+v", q)
		}
		m.Close(ctx)

		// One that does.
		l = w.start(t, optimist.Options{})
		if len(l.restored.Operations) != 2 || len(l.restored.Quarantined) != 0 {
			t.Fatalf("%+v", l.restored)
		}
		l.m.Close(ctx)
	})
}

func TestLaw33_FailingDiskIsReported(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  memjournal.Fault
		choice optimist.JournalFailure
		refuse bool // the next operation
	}{
		{"full, go on", memjournal.Refuse, optimist.GoOnInMemory, false},
		{"bad, go on", memjournal.FailLost, optimist.GoOnInMemory, false},
		{"full, refuse", memjournal.Refuse, optimist.RefuseNew, true},
		{"bad, refuse", memjournal.FailLost, optimist.RefuseNew, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				var w world
				l := w.start(t, optimist.Options{JournalFailure: c.choice})
				synctest.Wait()
				sub := l.m.Subscribe(optimist.SubscribeOptions{})
				defer sub.Close()
				w.disk.Inject(1, c.fault)
				h := must(l.edit.Execute(ctx, "1", edit{"a"}))(t)
				if err := h.Await(ctx, optimist.Journaled); err == nil {
					t.Fatal("claims to be durable")
				}
				_, err := l.edit.Execute(ctx, "2", edit{"b"})
				if (err != nil) != c.refuse {
					t.Fatalf("the next operation: %v", err)
				}
				if r := must(h.Wait(ctx))(t); !r.Success() {
					t.Fatalf("%+v", r)
				}
				told := false
				sub.Close()
				for ev := range sub.All(ctx) {
					told = told || ev.Kind == event.JournalFailed && ev.Err != nil
				}
				if !told {
					t.Fatal("no event tells of the failure")
				}
				synctest.Wait()
				if _, err := l.edit.Execute(ctx, "3", edit{"c"}); (err != nil) != (c.refuse && c.fault == memjournal.FailLost) {
					t.Fatalf("after the disk has recovered: %v", err)
				}
				l.m.Close(ctx)
			})
		})
	}
}

func TestLaw29_RestoreComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		j, _ := w.disk.Open()
		m, _ := optimist.New(optimist.Options{Journal: j})
		s := optimist.NewStore[note](m, "note")
		a := optimist.Register(s, optimist.Mutation[note, edit]{
			Type: "edit", Apply: func(n note, _ edit) (note, error) { return n, nil },
			Send: func(context.Context, optimist.Call[edit]) (t optimist.Truth[note], err error) { return },
		})
		if _, err := a.Execute(t.Context(), "1", edit{}); !errors.Is(err, optimist.ErrInvalid) {
			t.Fatalf("an operation before Restore: %v", err)
		}
		m.Close(t.Context())
	})
}
