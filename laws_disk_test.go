package optimist_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// timed is a journal that notes when it was asked to write.
type timed struct {
	durable
	began time.Time
	mu    *sync.Mutex // guards at
	at    *[]time.Duration
}

func newTimed(t *testing.T, disk *memjournal.Disk) timed {
	return timed{durable{must(disk.Open())(t)}, time.Now(), new(sync.Mutex), new([]time.Duration)}
}

func (j timed) Write(r []journal.Record) error {
	j.mu.Lock()
	*j.at = append(*j.at, time.Since(j.began))
	j.mu.Unlock()
	return j.durable.Write(r)
}

// since returns when it was asked to write since the last call.
func (j timed) since() []time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := *j.at
	*j.at = nil
	return all
}

func refuse(disk *memjournal.Disk, writes int) {
	for n := range writes {
		disk.Inject(n+1, memjournal.Refuse)
	}
}

// nextLife is what another process finds on the disk and sends.
func nextLife(t *testing.T, disk *memjournal.Disk) []string {
	t.Helper()
	w := newWriter(t, durable{must(disk.Open())(t)}, stored[edit]())
	if err := w.m.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.m.Close(t.Context())
	return w.sent
}

func TestLaw46_AnEndThatTheDiskRefusedIsWrittenAgain(t *testing.T) {
	const s = time.Second
	waits := []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 61 * s, 91 * s}
	for refused := range len(waits) {
		synctest.Test(t, func(t *testing.T) {
			var disk memjournal.Disk
			j := newTimed(t, &disk)
			w := newWriter(t, j, stored[edit]())
			w.m.SetOnline(false)
			h := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
			synctest.Wait()
			j.since()
			refuse(&disk, refused)
			h.Cancel()
			time.Sleep(24 * time.Hour)
			if at := j.since(); !slices.Equal(at, waits[:refused+1]) {
				t.Errorf("%d refused: written at %v, want %v", refused, at, waits[:refused+1])
			}
			disk.Crash()
			if sent := nextLife(t, &disk); len(sent) > 0 {
				t.Errorf("%d refused: the next life sends %v", refused, sent)
			}
			w.m.Close(ended())
		})
	}
}

// Whatever is written meanwhile takes along what was refused, and does not put off the next
// try.
func TestLaw46_OtherWritesTakeTheEndAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk memjournal.Disk
		j := newTimed(t, &disk)
		w := newWriter(t, j, stored[edit]())
		w.m.SetOnline(false)
		h := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
		synctest.Wait()
		j.since()
		refuse(&disk, 4)
		h.Cancel()
		for _, id := range []string{"2", "3"} {
			time.Sleep(400 * time.Millisecond)
			must(w.write.Execute(t.Context(), id, edit{"b"}))(t)
		}
		time.Sleep(time.Hour)
		want := []time.Duration{0, 400 * time.Millisecond, 800 * time.Millisecond, time.Second, 3 * time.Second}
		if at := j.since(); !slices.Equal(at, want) {
			t.Errorf("written at %v, want %v", at, want)
		}
		disk.Crash()
		if sent := nextLife(t, &disk); !slices.Equal(sent, []string{"b", "b"}) {
			t.Errorf("the next life sends %v", sent)
		}
		w.m.Close(ended())
	})
}

func TestLaw46_CallsSayWhatTheDiskDoesNotHave(t *testing.T) {
	calls := map[string]func(t *testing.T, w *writer) error{
		"flush":     func(t *testing.T, w *writer) error { return w.m.Flush(t.Context()) },
		"clear all": func(_ *testing.T, w *writer) error { return w.m.ClearAll() },
		"close":     func(t *testing.T, w *writer) error { return w.m.Close(t.Context()) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var disk memjournal.Disk
				j := newTimed(t, &disk)
				w := newWriter(t, j, stored[edit]())
				w.m.SetOnline(false)
				for _, id := range []string{"1", "2", "3"} {
					h := must(w.write.Execute(t.Context(), id, edit{id}))(t)
					synctest.Wait()
					if id == "3" {
						refuse(&disk, 1000)
					}
					h.Cancel()
				}
				synctest.Wait()
				before := time.Now()
				j.since()
				err := call(t, w)
				if !errors.Is(err, optimist.ErrNotOnDisk) || !errors.Is(err, journal.ErrRefused) || !strings.Contains(err.Error(), ": 1 of them") {
					t.Errorf("it says %v", err)
				}
				if took := time.Since(before); took > 0 {
					t.Errorf("it waited for the disk for %v", took)
				}
				if n := len(j.since()); name != "close" && n != 1 {
					t.Errorf("it tried %d times", n)
				}
				w.m.Close(ended())
			})
		})
		t.Run(name+", after the disk has recovered", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var disk memjournal.Disk
				w := newWriter(t, newTimed(t, &disk), stored[edit]())
				w.m.SetOnline(false)
				h := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
				synctest.Wait()
				refuse(&disk, 1)
				h.Cancel()
				synctest.Wait()
				if err := call(t, w); err != nil {
					t.Errorf("it says %v", err)
				}
				disk.Crash()
				if sent := nextLife(t, &disk); len(sent) > 0 {
					t.Errorf("the next life sends %v", sent)
				}
				w.m.Close(ended())
			})
		})
		t.Run(name+", after the journal has failed for good", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var disk memjournal.Disk
				j := newTimed(t, &disk)
				w := newWriter(t, j, stored[edit]())
				w.m.SetOnline(false)
				first := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
				second := must(w.write.Execute(t.Context(), "2", edit{"b"}))(t)
				synctest.Wait()
				disk.Inject(1, memjournal.FailLost)
				first.Cancel()
				synctest.Wait()
				second.Cancel()
				j.since()
				time.Sleep(24 * time.Hour)
				if err := call(t, w); !errors.Is(err, optimist.ErrNotOnDisk) || !errors.Is(err, journal.ErrFailed) || !strings.Contains(err.Error(), ": 2 of them") {
					t.Errorf("it says %v", err)
				}
				if at := j.since(); len(at) > 0 {
					t.Errorf("the dead journal was asked at %v", at)
				}
				w.m.Close(ended())
			})
		})
	}
}

// Flush and ClearAll return when the journal has the ends, not before.
func TestLaw46_FlushAndClearAllWaitForTheWrite(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, w *writer) error{
		"flush":     func(ctx context.Context, w *writer) error { return w.m.Flush(ctx) },
		"clear all": func(_ context.Context, w *writer) error { return w.m.ClearAll() },
	} {
		for _, hangs := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				var disk memjournal.Disk
				j := gated{durable: durable{must(disk.Open())(t)}, write: make(chan struct{}, 10)}
				j.write <- struct{}{} // the header
				j.write <- struct{}{} // the operation
				w := newWriter(t, j, stored[edit]())
				w.m.SetOnline(false)
				h := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
				synctest.Wait()
				h.Cancel()
				short, stop := context.WithTimeout(t.Context(), 5*time.Second)
				defer stop()
				done := make(chan error, 1)
				go func() { done <- call(short, w) }()
				synctest.Wait()
				select {
				case err := <-done:
					t.Fatalf("%s has not waited: %v", name, err)
				default:
				}
				if hangs {
					if err := <-done; !errors.Is(err, optimist.ErrNotOnDisk) {
						t.Errorf("%s says %v of a disk that hangs", name, err)
					}
				}
				close(j.write)
				if !hangs {
					if err := <-done; err != nil {
						t.Errorf("%s says %v", name, err)
					}
				}
				w.m.Close(ended())
			})
		}
	}
}

// An attempt of a creation waits for its mark, and holds nobody up meanwhile; one of
// another kind goes on.
func TestLaw29_NoAttemptOfACreationLeavesWithoutItsMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk memjournal.Disk
		j := newTimed(t, &disk)
		w := newWriter(t, j, stored[edit]())
		var renamed []time.Duration
		began := time.Now()
		rename := optimist.Register(w.notes, optimist.Mutation[note, edit]{
			Type: "rename", Stored: stored[edit](),
			Apply: func(n note, e edit) (note, error) { n.Text = e.Text; return n, nil },
			Send: func(context.Context, optimist.Call[edit]) (optimist.Truth[note], error) {
				renamed = append(renamed, time.Since(began))
				return optimist.Truth[note]{}, nil
			},
		})
		w.notes.Receive("other", optimist.TruthOf(note{}, 1))
		w.m.SetOnline(false)
		sub := w.m.Subscribe(optimist.SubscribeOptions{})
		var created []*optimist.Handle
		for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} { // more than may be in flight
			created = append(created, must(w.write.Execute(t.Context(), id, edit{id}))(t))
		}
		must(rename.Execute(t.Context(), "other", edit{"b"}))(t)
		synctest.Wait()
		refuse(&disk, 1000)
		w.m.SetOnline(true)
		time.Sleep(10500 * time.Millisecond)
		synctest.Wait()
		if len(w.sent) > 0 {
			t.Errorf("%v left without a mark", w.sent)
		}
		if !slices.Equal(renamed, []time.Duration{0}) {
			t.Errorf("the rename left at %v", renamed)
		}
		if h := created[0]; h.State() != optimist.Waiting {
			t.Errorf("the creation is %v", h.State())
		}
		sub.Close()
		deferred := 0
		for ev := range sub.All(t.Context()) {
			if ev.Kind == event.Deferred && ev.ID == created[0].ID() && errors.Is(ev.Err, journal.ErrRefused) {
				deferred++
			}
		}
		if deferred == 0 {
			t.Error("nobody was told why")
		}
		for n := range 1000 { // it has recovered
			disk.Inject(n+1, 0)
		}
		if err := w.m.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.sent) != 9 {
			t.Errorf("the server got %v", w.sent)
		}
		if r, _ := created[0].Result(); r.Calls != 1 {
			t.Errorf("%+v", r)
		}
		w.m.Close(t.Context())
	})
}

// What is taken back while its mark is being written does not leave.
func TestLaw23_CancelBeforeTheMarkIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var disk memjournal.Disk
		j := gated{durable: durable{must(disk.Open())(t)}, write: make(chan struct{}, 10)}
		j.write <- struct{}{} // the header
		j.write <- struct{}{} // the operation
		w := newWriter(t, j, stored[edit]())
		h := must(w.write.Execute(t.Context(), "1", edit{"a"}))(t)
		synctest.Wait()
		if h.State() != optimist.InFlight {
			t.Fatalf("it is %v", h.State())
		}
		h.Cancel()
		close(j.write)
		if err := w.m.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, _ := h.Result(); len(w.sent) > 0 || r.Outcome != optimist.Cancelled || r.Calls != 0 {
			t.Errorf("the server got %v; %+v", w.sent, r)
		}
		w.m.Close(t.Context())
	})
}
