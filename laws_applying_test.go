package optimist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/journal"
)

func TestLaw01_ExecuteReturnsWithTheChangeVisible(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		w.server.alwaysReply(&reply{before: time.Hour})
		began := time.Now()
		d.tap("1")
		equal(t, "shown", d.shown("1"), true)
		equal(t, "waited", time.Since(began), 0)
		equal(t, "calls", len(w.server.heard()), 0)
		equal(t, "pending", w.m.PendingCount(d.entity("1")), 1)
		w.m.ClearAll()
	})
}

func TestLaw01_ExecuteDoesNotWaitForDisk(t *testing.T) {
	opts := patient
	opts.Journal = slowJournal{}
	inWorld(t, opts, func(t *testing.T, w *world) {
		must(w.m.Restore())(t)
		time.Sleep(2 * time.Hour) // the journal has its header
		stored := w.renaming("stored")
		stored.Stored = Stored[string]{
			Encode: func(s string) ([]byte, error) { return []byte(s), nil },
			Decode: func(_ int, b []byte) (string, error) { return string(b), nil },
		}
		began := time.Now()
		h := do(w, Register(w.pages, stored), "1", "hello")
		equal(t, "shown", w.view("1").Title, "hello")
		equal(t, "waited", time.Since(began), 0)
		time.Sleep(30 * time.Minute)
		equal(t, "calls before it is on disk", len(w.server.heard()), 0)
		is(t, h.Await(w.ctx, Journaled), nil)
		equal(t, "durable after", time.Since(began), time.Hour)
	})
}

// slowJournal takes an hour for each write.
type slowJournal struct{}

func (slowJournal) Load() ([]journal.Record, error) { return nil, nil }

func (slowJournal) Durability() journal.Durability { return journal.DurablePower }
func (slowJournal) Write([]journal.Record) error   { time.Sleep(time.Hour); return nil }
func (slowJournal) Close() error                   { return nil }

func TestLaw01_ApplyThatFailsChangesNothing(t *testing.T) {
	for name, apply := range map[string]func(page, string) (page, error){
		"error": func(p page, _ string) (page, error) { p.Title = "half"; return p, errNo },
		"panic": func(page, string) (page, error) { panic(errNo) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, patient, func(t *testing.T, w *world) {
				def := w.renaming("bad")
				def.Apply = apply
				bad := Register(w.pages, def)
				do(w, w.rename, "1", "first")
				sub := w.m.Subscribe(SubscribeOptions{})
				before := w.pages.View("1")
				_, err := bad.Execute(w.ctx, "1", "x")
				is(t, err, ErrApply)
				equal(t, "view", w.pages.View("1"), before)
				equal(t, "events", kindsOf(events(sub)), []event.Kind{event.Started})
				w.flush()
				equal(t, "calls", w.server.heard(), []string{"rename first of 1"})
			})
		})
	}
}

func TestLaw01_ClosureThatPanicsIsRefused(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		_, err := w.m.Execute(w.ctx, w.update("bad", "1", func() func() { panic(errNo) }))
		is(t, err, ErrApply)
		var p *PanicError
		if !errors.As(err, &p) || p.In != "apply" {
			t.Fatalf("%v does not tell of the panic in apply", err)
		}
		equal(t, "events", kindsOf(events(sub)), []event.Kind{event.Started})
		equal(t, "pending", w.m.HasPending("screen:1"), false)
		equal(t, "logs", closureLogs(w.m), 0)
	})
}

// The view is computed beside the manager, from nothing but truth and the unsettled.
func TestLaw02_ViewIsTheFoldOfTruthAndTheUnsettled(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{before: time.Hour})
		random := rand.New(rand.NewPCG(1, 2))
		type change struct {
			h     *Handle
			apply func(page) page
		}
		var unsettled []change
		truth := page{}
		for step := range 300 {
			switch text := fmt.Sprint("c", step); random.IntN(6) {
			case 0, 1:
				h := do(w, w.comment, "1", text)
				unsettled = append(unsettled, change{h, func(p page) page { p.Comments = p.Comments.with(text); return p }})
			case 2:
				text = fmt.Sprint("t", random.IntN(3))
				retitle := Register(w.pages, w.renamingApart("retitle"+text+fmt.Sprint(step)))
				h := do(w, retitle, "1", text)
				unsettled = append(unsettled, change{h, func(p page) page { p.Title += text; return p }})
			case 3, 4:
				if len(unsettled) > 0 {
					i := random.IntN(len(unsettled))
					is(t, unsettled[i].h.Cancel(), nil)
					unsettled = append(unsettled[:i:i], unsettled[i+1:]...)
				}
			case 5:
				truth.Title = text
				w.receive("1", w.server.put("1", truth))
			}
			want := truth
			for _, c := range unsettled {
				want = c.apply(want)
			}
			equal(t, "view", w.view("1"), want)
			equal(t, "pending", w.pages.View("1").Pending, len(unsettled))
		}
		w.m.ClearAll()
		equal(t, "view", w.view("1"), truth)
	})
}

// renamingApart appends to the title, so that order and base both show.
func (w *world) renamingApart(typ string) Mutation[page, string] {
	def := w.renaming(typ)
	def.Slot = nil
	def.Apply = func(p page, s string) (page, error) { p.Title += s; return p, nil }
	return def
}

func TestLaw02_UndoingACreationLeavesAbsence(t *testing.T) {
	for _, before := range []Presence{NotLoaded, Absent} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			if before == Absent {
				w.receive("new", Gone[page](0))
			}
			w.server.next("new", reply{before: time.Second, fails: errNever})
			h := do(w, w.create, "new", "mine")
			equal(t, "while pending", w.view("new"), page{Title: "mine"})
			w.flush()
			w.outcome(h, RolledBack)
			equal(t, "afterwards", w.pages.View("new").Presence, before)
			equal(t, "value", w.pages.View("new").Value, page{})
		})
	}
}

func TestLaw02_DeletionLeavesAbsenceAndComesBackWhenRefused(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second, fails: errNever})
		do(w, w.remove, "1", struct{}{})
		equal(t, "while pending", w.pages.View("1").Presence, Absent)
		_, err := w.rename.Execute(w.ctx, "1", "x")
		is(t, err, ErrAbsent)
		w.flush()
		equal(t, "refused", w.view("1"), page{})
		do(w, w.remove, "1", struct{}{})
		w.flush()
		equal(t, "confirmed", w.pages.View("1").Presence, Absent)
		w.settledTruth("1")
	})
}

func TestLaw02_ChangeToWhatIsNotLoadedStaysInvisible(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.put("far", page{Title: "far"})
		w.server.next("far", reply{before: time.Second})
		sub := w.m.Subscribe(SubscribeOptions{})
		do(w, w.comment, "far", "hello")
		v := w.pages.View("far")
		equal(t, "presence", v.Presence, NotLoaded)
		equal(t, "pending", v.Pending, 1)
		equal(t, "changes", len(events(sub, event.Changed)), 0)
		w.receive("far", w.server.truth("far"))
		equal(t, "shown with its truth", w.view("far"), page{Title: "far", Comments: "hello"})
		w.flush()
		w.settledTruth("far")
	})
}

func TestLaw02_ViewTellsPendingFailedAndVersion(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("parking")
		def.Policy.Failure = Park
		w.server.next("1", reply{fails: errNever})
		h := do(w, Register(w.pages, def), "1", "x")
		synctest.Wait()
		w.server.next("1", reply{before: time.Second})
		do(w, w.comment, "1", "c")
		v := w.pages.View("1")
		equal(t, "pending, failed", [2]int{v.Pending, v.Parked}, [2]int{2, 1})
		equal(t, "version", v.Version, w.server.truth("1").Version)
		time.Sleep(2 * time.Second)
		v = w.pages.View("1")
		equal(t, "pending, failed", [2]int{v.Pending, v.Parked}, [2]int{1, 1})
		equal(t, "version", v.Version, w.server.truth("1").Version)
		is(t, h.Discard(), nil)
	})
}

func TestLaw02_PessimisticShowsWhenConfirmed(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("careful")
		def.Pessimistic = true
		careful := Register(w.pages, def)
		w.server.next("1", reply{before: time.Second}, reply{before: time.Second, fails: errNever})
		h := do(w, careful, "1", "x")
		equal(t, "before", w.view("1").Title, "")
		equal(t, "pending", w.pages.View("1").Pending, 1)
		short, cancel := context.WithTimeout(w.ctx, 500*time.Millisecond)
		is(t, h.Await(short, Applied), context.DeadlineExceeded)
		cancel()
		is(t, h.Await(w.ctx, Applied), nil)
		equal(t, "after", w.view("1").Title, "x")
		sub := w.m.Subscribe(SubscribeOptions{})
		h = do(w, careful, "1", "y")
		w.flush()
		equal(t, "told to have left the view", len(events(sub, event.RolledBack)), 0)
		equal(t, "refused", w.view("1").Title, "x")
		is(t, h.Await(w.ctx, Applied), ErrSettled)
	})
}

func TestLaw03_OneEventPerVisibleChange(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{Entity: "page:1"})
		w.tap("1", "me")
		equal(t, "after a tap", changes(events(sub)), []page{{Fans: "me"}})
		w.set("1", "me", true)
		equal(t, "after the same", changes(events(sub)), nil)
		w.flush()
		equal(t, "after it was confirmed as predicted", changes(events(sub)), nil)
		w.receive("1", w.server.put("1", page{Fans: "me", Title: "t"}))
		w.receive("1", w.server.truth("1"))
		equal(t, "after a push, twice", changes(events(sub)), []page{{Fans: "me", Title: "t"}})
		do(w, w.rename, "2", "elsewhere")
		equal(t, "of another page", len(events(sub)), 0)
	})
}

func changes(all []Event) (values []page) {
	for _, ev := range all {
		if ev.Kind == event.Changed {
			values = append(values, ev.Value.(page))
		}
	}
	return values
}

func TestLaw03_BatchAndGroupAreOneEventPerEntity(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		events(sub)
		must(w.m.Batch(w.ctx, w.comment.Plan("1", "a"), w.comment.Plan("1", "b"), w.rename.Plan("1", "t"), w.comment.Plan("2", "c")))(t)
		all := events(sub, event.Changed)
		equal(t, "changes of the batch", len(all), 2)
		equal(t, "the first", all[0].Value.(page), page{Title: "t", Comments: "a b"})
		w.flush()
		events(sub)
		w.server.alwaysReply(&reply{before: time.Second})
		swap := must(w.swap().Execute(w.ctx, [2]string{"1", "2"}))(t)
		equal(t, "changes of the group", len(events(sub, event.Changed)), 2)
		is(t, swap.Cancel(), nil)
		equal(t, "changes of its undoing", len(events(sub, event.Changed)), 2)
	})
}

// swap is a group that names two pages after each other.
func (w *world) swap() *GroupAction[[2]string] {
	name := func(to string) func(page) (page, error) {
		return func(p page) (page, error) { p.Title = "like " + to; return p, nil }
	}
	return RegisterGroup(w.m, Group[[2]string]{
		Type: "swap",
		Parts: func(ids [2]string) []Part {
			return []Part{w.pages.Part(ids[0], name(ids[1])), w.pages.Part(ids[1], name(ids[0]))}
		},
		Send: func(ctx context.Context, c Call[[2]string]) ([]EntityTruth, error) {
			var truths []EntityTruth
			for i, id := range c.Args {
				other := c.Args[1-i]
				t, err := w.server.serve(ctx, asks{what: "swap", entity: id, lane: "page:" + id, key: c.ID + id, act: func(p page, there bool) (page, bool) {
					p.Title = "like " + other
					return p, there
				}})
				if err != nil {
					return nil, err
				}
				truths = append(truths, w.pages.EntityTruth(id, t))
			}
			return truths, nil
		},
		OnSuccess: func(_ [2]string, r Result) { w.note("success", r) },
		OnError:   func(_ [2]string, r Result) { w.note("error", r) },
	})
}

func TestLaw03_PresentStateFirstThenNumbersWithoutGaps(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.alwaysReply(&reply{before: time.Second})
		d.tap("1")
		synctest.Wait()
		sub := w.m.Subscribe(SubscribeOptions{Entity: d.entity("1")})
		first := events(sub)
		equal(t, "first", kindsOf(first), []event.Kind{event.Started})
		equal(t, "pending at first", first[0].Pending, 1)
		number := first[0].Number
		for range 5 {
			d.tap("1")
			time.Sleep(100 * time.Millisecond)
		}
		w.flush()
		for _, ev := range events(sub, event.Changed) {
			number++
			equal(t, "number", ev.Number, number)
		}
		if number < first[0].Number+5 {
			t.Fatalf("only %d changes", number-first[0].Number)
		}
	})
}

func TestLaw03_WhoFallsBehindGetsAGapAndDelaysNobody(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{before: time.Hour})
		slow := w.m.Subscribe(SubscribeOptions{Entity: "page:1", Buffer: 4})
		all := w.m.Subscribe(SubscribeOptions{Entity: "page:1"})
		began := time.Now()
		for i := range 20 {
			do(w, w.comment, "1", fmt.Sprint(i))
		}
		equal(t, "delay", time.Since(began), 0)
		seen, got := events(all), events(slow)
		equal(t, "first", got[0].Kind, event.Gap)
		equal(t, "missed", got[0].Missed, len(seen)-4)
		equal(t, "the rest", kindsOf(got[1:]), kindsOf(seen[len(seen)-4:]))
		w.m.ClearAll()
	})
}

func TestLaw03_WatchNeverMissesTheLast(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{before: 10 * time.Millisecond, fails: errNever})
		var last View[page]
		first := true
		go func() {
			for v := range w.pages.Watch(w.ctx, "1") {
				if first && v.Pending != 0 {
					t.Error("the first view is not the present one")
				}
				first, last = false, v
				time.Sleep(35 * time.Millisecond) // slower than what it watches
			}
		}()
		synctest.Wait()
		for i := range 50 {
			do(w, w.comment, "1", fmt.Sprint(i))
			time.Sleep(3 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, "the last view", last, w.pages.View("1"))
	})
}

func TestLaw03_WatchShowsWhatCloseLeft(t *testing.T) {
	for range 10 { // which of two things a select takes is random
		inWorld(t, instant, func(t *testing.T, w *world) {
			w.server.alwaysReply(&reply{before: time.Hour})
			w.tap("1", "me")
			var last View[page]
			done := make(chan struct{})
			go func() {
				for v := range w.pages.Watch(context.Background(), "1") {
					last = v
					time.Sleep(time.Minute)
				}
				close(done)
			}()
			synctest.Wait()
			short, cancel := context.WithTimeout(w.ctx, time.Second)
			defer cancel()
			w.m.Close(short)
			<-done
			equal(t, "the last view", last, w.pages.View("1"))
		})
	}
}
