package optimist_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// gated is a journal whose writes, or whose end, wait for a gate.
type gated struct {
	durable
	write, end chan struct{}
}

func (g gated) Write(r []journal.Record) error {
	if g.write != nil {
		<-g.write
	}
	return g.durable.Write(r)
}

func (g gated) Close() error {
	err := g.durable.Close()
	if g.end != nil {
		<-g.end
	}
	return err
}

// writer is a program that writes notes, and waits for the disk if it is told to.
type writer struct {
	m     *optimist.Manager
	notes *optimist.Store[note]
	write *optimist.Action[note, edit]
	mu    sync.Mutex // guards sent while calls are under way
	sent  []string
	undo  int // OnError calls
}

func newWriter(t *testing.T, j journal.Journal, how optimist.Stored[edit]) *writer {
	t.Helper()
	w := &writer{m: must(optimist.New(optimist.Options{Journal: j}))(t)}
	w.notes = optimist.NewStore[note](w.m, "note")
	w.write = optimist.Register(w.notes, optimist.Mutation[note, edit]{
		Type: "write", Kind: optimist.Create, Slot: func(edit) string { return "text" }, Stored: how,
		Policy:  optimist.Policy{Debounce: optimist.Debounce{Wait: optimist.NoDebounce}},
		Apply:   func(n note, e edit) (note, error) { n.Text = e.Text; return n, nil },
		OnError: func(edit, optimist.Result) { w.undo++ },
		Send: func(_ context.Context, c optimist.Call[edit]) (optimist.Truth[note], error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.sent = append(w.sent, c.Args.Text)
			return optimist.Truth[note]{}, nil
		},
	})
	must(w.m.Restore())(t)
	synctest.Wait()
	return w
}

func waiting() optimist.Stored[edit] {
	s := stored[edit]()
	s.Wait = true
	return s
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestLaw29_WaitTakesBackWhatTheDiskRefuses(t *testing.T) {
	for name, fault := range map[string]memjournal.Fault{"refused": memjournal.Refuse, "failed": memjournal.FailLost} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var disk memjournal.Disk
				w := newWriter(t, durable{must(disk.Open())(t)}, waiting())
				disk.Inject(1, fault)
				if _, err := w.write.Execute(t.Context(), "1", edit{"a"}); err == nil {
					t.Fatal("Execute has no error")
				}
				time.Sleep(time.Minute)
				if v := w.notes.View("1"); len(w.sent) > 0 || v.Pending > 0 || v.Value.Text != "" {
					t.Fatalf("the server got %v, the view is %+v", w.sent, v)
				}
				w.m.Close(t.Context())
			})
		})
	}
}

func TestLaw29_WaitTakesBackNothingThatIsNotItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk memjournal.Disk
		j := gated{durable: durable{must(disk.Open())(t)}, write: make(chan struct{})}
		w := newWriter(t, j, waiting())
		var first *optimist.Handle
		made := make(chan error)
		go func() {
			var err error
			first, err = w.write.Execute(t.Context(), "1", edit{"a"})
			made <- err
		}()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.write.Execute(short, "1", edit{"a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the second call, which joined: %v", err)
		}
		close(j.write)
		if err := <-made; err != nil {
			t.Fatal(err)
		}
		if r := must(first.Wait(t.Context()))(t); !r.Success() || !slices.Equal(w.sent, []string{"a"}) {
			t.Fatalf("%+v, the server got %v", r, w.sent)
		}
		w.m.Close(t.Context())
	})
}

func TestLaw29_DurableIsNotAwaitedInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk memjournal.Disk
		w := newWriter(t, durable{must(disk.Open())(t)}, optimist.Stored[edit]{})
		h := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
		if err := h.Await(t.Context(), optimist.Journaled); !errors.Is(err, optimist.ErrInvalid) {
			t.Fatalf("an operation without Stored: %v", err)
		}
		w.m.Close(t.Context())
	})
}

// Close drops nothing without a word: what no journal holds is rolled back and named.
func TestLaw33_CloseNamesWhatTheJournalDoesNotHold(t *testing.T) {
	for name, c := range map[string]struct {
		how   optimist.Stored[edit]
		fault memjournal.Fault
		kept  bool
	}{
		"stored":   {how: stored[edit](), kept: true},
		"unstored": {how: optimist.Stored[edit]{}},
		"refused":  {how: stored[edit](), fault: memjournal.Refuse},
		"failed":   {how: stored[edit](), fault: memjournal.FailLost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var disk memjournal.Disk
				w := newWriter(t, durable{must(disk.Open())(t)}, c.how)
				w.m.SetOnline(false)
				for n := range 9 {
					if c.fault != 0 {
						disk.Inject(n+1, c.fault)
					}
				}
				h := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
				synctest.Wait()
				err := w.m.Close(ended())
				r, settled := h.Result()
				if c.kept {
					if err != nil || settled || w.undo > 0 {
						t.Fatalf("%v, %+v, %d callbacks", err, r, w.undo)
					}
					return
				}
				if !errors.Is(err, optimist.ErrClosed) || r.Outcome != optimist.RolledBack || !errors.Is(r.Err, optimist.ErrClosed) || w.undo != 1 {
					t.Fatalf("%v, %+v, %d callbacks", err, r, w.undo)
				}
			})
		})
	}
}

func TestLaw33_NothingIsDecidedOnceTheJournalIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk memjournal.Disk
		j := gated{durable: durable{must(disk.Open())(t)}, end: make(chan struct{})}
		w := newWriter(t, j, stored[edit]())
		w.m.SetOnline(false)
		h := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- w.m.Close(ended()) }()
		synctest.Wait()
		if err := h.Cancel(); !errors.Is(err, optimist.ErrClosed) {
			t.Fatalf("Cancel of what will be back: %v", err)
		}
		close(j.end)
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
	})
}

func TestLaw33_NewThatFailsClosesTheJournal(t *testing.T) {
	dir := t.TempDir()
	j := must(filejournal.Open(dir, filejournal.Options{}))(t)
	if err := j.Write([]journal.Record{{Seq: 0, Data: []byte("no header")}}); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if _, err := optimist.New(optimist.Options{Journal: must(filejournal.Open(dir, filejournal.Options{}))(t)}); err == nil {
		t.Fatal("New has no error")
	}
	must(filejournal.Open(dir, filejournal.Options{}))(t).Close()
}

// Log-out reaches what is in the journal and not in the engine.
func TestLaw23_ClearAllClearsTheWholeJournal(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, disk *memjournal.Disk) *optimist.Manager{
		"not restored yet": func(t *testing.T, disk *memjournal.Disk) *optimist.Manager {
			return must(optimist.New(optimist.Options{Journal: durable{must(disk.Open())(t)}}))(t)
		},
		"in quarantine": func(t *testing.T, disk *memjournal.Disk) *optimist.Manager {
			m := must(optimist.New(optimist.Options{Journal: durable{must(disk.Open())(t)}}))(t)
			if r := must(m.Restore())(t); len(r.Quarantined) != 1 {
				t.Fatalf("%+v", r)
			}
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var disk memjournal.Disk
				w := newWriter(t, durable{must(disk.Open())(t)}, stored[edit]())
				w.m.SetOnline(false)
				must(w.write.Execute(t.Context(), "1", edit{"secret"}))(t)
				synctest.Wait()
				w.m.Close(ended())
				m := before(t, &disk)
				if err := m.ClearAll(); err != nil {
					t.Fatal(err)
				}
				if err := m.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				w = newWriter(t, durable{must(disk.Open())(t)}, stored[edit]())
				if n := w.m.Snapshot().Pending; n > 0 {
					t.Fatalf("%d operations are back", n)
				}
				w.m.Close(t.Context())
			})
		})
	}
}

// What is in memory only moves the clock too.
func TestLaw18_TheClockOutlivesAClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk memjournal.Disk
		w := newWriter(t, durable{must(disk.Open())(t)}, optimist.Stored[edit]{})
		ahead := optimist.TruthOf(note{}, 1)
		ahead.At = optimist.TimestampOf(time.Now().Add(4 * time.Minute))
		if err := w.notes.Receive("1", ahead); err != nil {
			t.Fatal(err)
		}
		before := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t).Timestamp()
		if err := w.m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w = newWriter(t, durable{must(disk.Open())(t)}, optimist.Stored[edit]{})
		if after := must(w.write.Execute(t.Context(), "1", edit{"b"}))(t).Timestamp(); after <= before {
			t.Fatalf("%v after %v", after, before)
		}
		w.m.Close(t.Context())
	})
}

// New owns the journal in any case: whoever is told of bad options opens it again.
func TestLaw32_NewThatFailsHasClosedTheJournal(t *testing.T) {
	for name, opts := range map[string]optimist.Options{
		"options": {MaxInFlight: -1},
		"policy":  {Policy: optimist.Policy{Failure: 9}},
	} {
		j := memjournal.New()
		opts.Journal = j
		if _, err := optimist.New(opts); !errors.Is(err, optimist.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := j.Load(); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("%s: the journal was left open: %v", name, err)
		}
	}
}
