package optimist

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

// Each row is a life that an operation can have, as its kinds of events.
func TestLaw34_EveryTransitionIsAnEvent(t *testing.T) {
	for name, row := range map[string]struct {
		opts    Options
		replies []reply
		act     func(w *world, h *Handle)
		want    []event.Kind
	}{
		"confirmed":     {instant, nil, nil, []event.Kind{event.Accepted, event.Changed, event.Sent, event.Settled}},
		"joined":        {patient, nil, func(w *world, _ *Handle) { w.set("1", "me", true) }, []event.Kind{event.Accepted, event.Changed, event.Joined, event.Sent, event.Settled}},
		"superseded":    {patient, nil, func(w *world, _ *Handle) { w.set("1", "me", false) }, []event.Kind{event.Accepted, event.Changed, event.Settled, event.Accepted, event.Settled, event.Changed}},
		"retried":       {instant, []reply{{fails: errBusy}}, nil, []event.Kind{event.Accepted, event.Changed, event.Sent, event.Retrying, event.Sent, event.Settled}},
		"failed":        {instant, []reply{{fails: errNever}}, nil, []event.Kind{event.Accepted, event.Changed, event.Sent, event.RolledBack, event.Settled, event.Changed}},
		"deferred":      {instant, []reply{{fails: Fail(Offline, errNo)}}, nil, []event.Kind{event.Accepted, event.Changed, event.Sent, event.SendingPaused, event.Deferred, event.Sent, event.SendingResumed, event.Settled}},
		"acknowledged":  {instant, []reply{{terse: true}}, func(w *world, _ *Handle) { w.time(time.Second); w.receive("1", w.server.truth("1")) }, []event.Kind{event.Accepted, event.Changed, event.Sent, event.Acknowledged, event.Settled}},
		"conflicted":    {instant, []reply{conflict(errNo)}, nil, []event.Kind{event.Accepted, event.Changed, event.Sent, event.Conflicted, event.Sent, event.Settled}},
		"parked":        {parking(), []reply{{fails: errNever}}, func(w *world, h *Handle) { w.time(time.Second); h.Retry() }, []event.Kind{event.Accepted, event.Changed, event.Sent, event.Parked, event.Unparked, event.Sent, event.Settled}},
		"cancelled":     {patient, nil, func(_ *world, h *Handle) { h.Cancel() }, []event.Kind{event.Accepted, event.Changed, event.RolledBack, event.Settled, event.Changed}},
		"offline, then": {instant, nil, func(w *world, _ *Handle) { w.m.SetOnline(false); w.m.SetOnline(true) }, []event.Kind{event.Accepted, event.Changed, event.Sent, event.SendingPaused, event.SendingResumed, event.Settled}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, row.opts, func(t *testing.T, w *world) {
				sub := w.m.Subscribe(SubscribeOptions{})
				events(sub)
				w.server.next("1", row.replies...)
				if row.replies == nil {
					w.server.next("1", reply{before: time.Second})
				}
				h := w.tap("1", "me")
				if row.act != nil {
					row.act(w, h)
				}
				w.flush()
				got := events(sub)
				equal(t, "events", fmt.Sprint(kindsOf(got)), fmt.Sprint(row.want))
				for _, ev := range got {
					if ev.At.IsZero() || ev.Args != nil {
						t.Errorf("%v at %v with arguments %v", ev.Kind, ev.At, ev.Args)
					}
					if ev.Kind >= event.Accepted && ev.Kind <= event.Settled && (ev.ID == "" || ev.Type != "like" || ev.Entity != "page:1") {
						t.Errorf("%v does not say of what: %+v", ev.Kind, ev)
					}
				}
			})
		})
	}
}

func TestLaw34_EventsSayAttemptAndCause(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		w.server.next("1", reply{fails: errBusy}, reply{fails: errNever})
		h := w.tap("1", "me")
		w.flush()
		var sent []int
		for _, ev := range events(sub) {
			switch ev.Kind {
			case event.Sent:
				sent = append(sent, ev.Calls)
			case event.Retrying:
				equal(t, "attempt, due", [2]any{ev.Calls, ev.Due}, [2]any{1, time.Second})
				is(t, ev.Err, errBusy)
			case event.RolledBack:
				is(t, ev.Err, errNo)
			case event.Settled:
				equal(t, "outcome, attempt", [2]any{ev.Outcome, ev.Calls}, [2]any{RolledBack, 2})
				is(t, ev.Err, errNo)
				equal(t, "id", ev.ID, h.ID())
			}
		}
		equal(t, "attempts", sent, []int{1, 2})
	})
}

func TestLaw34_ResumedIsToldWhenSomethingMayLeave(t *testing.T) {
	for what, c := range map[string]struct {
		do   func(w *world)
		want []event.Kind
	}{
		"online again, but refused": {func(w *world) {
			w.server.next("1", reply{fails: Fail(Unauthenticated, errNo)})
			do(w, w.comment, "1", "a")
			synctest.Wait()
			w.m.SetOnline(false)
			w.m.SetOnline(true)
		}, []event.Kind{event.SendingPaused, event.SendingPaused}},
		"answered while offline": {func(w *world) {
			w.server.next("1", reply{before: time.Second})
			w.server.next("2", reply{fails: Fail(Offline, errNo)})
			do(w, w.comment, "1", "a")
			do(w, w.comment, "2", "a")
			synctest.Wait()
			w.m.SetOnline(false)
			w.time(time.Minute)
		}, []event.Kind{event.SendingPaused, event.SendingPaused}},
		"a probe that is refused": {func(w *world) {
			w.server.next("1", reply{fails: Fail(Offline, errNo)}, reply{fails: Fail(Unauthenticated, errNo)})
			do(w, w.comment, "1", "a")
			w.time(time.Minute)
		}, []event.Kind{event.SendingPaused, event.SendingPaused}},
		"a log-out": {func(w *world) {
			w.server.next("1", reply{fails: Fail(Unauthenticated, errNo)})
			do(w, w.comment, "1", "a")
			synctest.Wait()
			w.m.ClearAll()
		}, []event.Kind{event.SendingPaused, event.SendingResumed}},
	} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				sub := w.m.Subscribe(SubscribeOptions{})
				c.do(w)
				got := kindsOf(events(sub, event.SendingPaused, event.SendingResumed))
				equal(t, "told", got, c.want)
				equal(t, "sending", w.m.Snapshot().Sending, got[len(got)-1] == event.SendingResumed)
			})
		})
	}
}

func TestLaw34_SupersededNamesItsSuccessor(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		do(w, w.rename, "1", "a")
		second := do(w, w.rename, "1", "b")
		ended := events(sub, event.Settled)
		equal(t, "successor", [2]any{ended[0].Outcome, ended[0].Successor}, [2]any{Superseded, second.ID()})
		w.flush()
	})
}

func TestLaw34_ArgumentsOnlyForThoseWhoAsk(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		with, without := w.m.Subscribe(SubscribeOptions{Args: true}), w.m.Subscribe(SubscribeOptions{})
		do(w, w.rename, "1", "secret")
		w.flush()
		for _, ev := range events(with, event.Accepted, event.Sent, event.Settled) {
			equal(t, "arguments", ev.Args, any("secret"))
		}
		for _, ev := range events(without) {
			equal(t, "arguments", ev.Args, nil)
		}
	})
}

func TestLaw34_OfOneEntityOrAll(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		one, all := w.m.Subscribe(SubscribeOptions{Entity: "page:1"}), w.m.Subscribe(SubscribeOptions{})
		w.tap("1", "me")
		w.tap("2", "me")
		w.flush()
		for _, ev := range events(one) {
			equal(t, "entity", ev.Entity, "page:1")
		}
		equal(t, "of all", len(events(all, event.Settled)), 2)
		one.Close()
		one.Close()
		w.tap("1", "me")
		equal(t, "after Close", len(events(one)), 0)
	})
}

func TestLaw35_AConsistentPicture(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: time.Second})
		w.server.next("2", reply{fails: errBusy})
		began := time.Now()
		h := d.tap("1")
		d.tap("1")
		d.tap("2")
		w.time(500 * time.Millisecond)
		s := w.m.Snapshot()
		equal(t, "at", s.At.Sub(began), 500*time.Millisecond)
		equal(t, "pending, parked, in flight", [3]int{s.Pending, s.Parked, s.InFlight}, [3]int{3, 0, 1})
		equal(t, "sending", s.Sending, true)
		equal(t, "entities", [2]string{s.Entities[0].Entity, s.Entities[1].Entity}, [2]string{d.entity("1"), d.entity("2")})
		first, retrying := s.Entities[0].Operations, s.Entities[1].Operations[0]
		equal(t, "first", []any{first[0].ID, first[0].Type, first[0].User, first[0].State, first[0].Calls, first[0].Timestamp},
			[]any{h.ID(), "like", "me", InFlight, 1, h.Timestamp()})
		equal(t, "second", first[1].State, Waiting)
		equal(t, "retrying", []any{retrying.State, retrying.Attempts, retrying.Calls, retrying.Due},
			[]any{Waiting, 1, 1, 500 * time.Millisecond})
		if first[0].Slot == "" {
			t.Error("no slot")
		}
		w.flush()
		equal(t, "afterwards", [2]int{w.m.Snapshot().Pending, len(w.m.Snapshot().Entities)}, [2]int{0, 0})
		equal(t, "the old picture", len(s.Entities), 2)
	})
}

func TestLaw35_SubscriptionsBeginWithOne(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.tap("1", "me")
		first := events(w.m.Subscribe(SubscribeOptions{}))
		equal(t, "first", kindsOf(first), []event.Kind{event.Started})
		equal(t, "pending", first[0].Snapshot.Pending, 1)
		w.flush()
	})
}
