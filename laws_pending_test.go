package optimist

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
)

// pendingList is what a program knows of pending operations that only listens to events.
type pendingList struct {
	sub    *Subscription
	listed map[string]map[string]bool // by entity and operation: whether it is parked
	counts map[string][2]int          // by entity: pending and parked, as the events say
}

func newPendingList(m *Manager) *pendingList {
	return &pendingList{sub: m.Subscribe(SubscribeOptions{}), listed: make(map[string]map[string]bool), counts: make(map[string][2]int)}
}

// listen takes all events that wait. It needs no lock of the manager.
func (l *pendingList) listen(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for ev := range l.sub.All(ended) {
		switch ev.Kind {
		case event.Gap:
			t.Error("events were lost")
		case event.Started:
			for _, of := range ev.Snapshot.Entities {
				parked := 0
				for _, o := range of.Operations {
					l.put(of.Entity, o.ID, o.State == Parked)
					if o.State == Parked {
						parked++
					}
				}
				l.counts[of.Entity] = [2]int{len(of.Operations), parked}
			}
			continue
		case event.Accepted, event.Unparked:
			l.put(ev.Entity, ev.ID, false)
		case event.Parked:
			l.put(ev.Entity, ev.ID, true)
		case event.Settled:
			if _, is := l.listed[ev.Entity][ev.ID]; !is {
				t.Errorf("%s of %s ends and was not there", ev.ID, ev.Entity)
			}
			delete(l.listed[ev.Entity], ev.ID)
			if len(l.listed[ev.Entity]) == 0 {
				delete(l.listed, ev.Entity)
			}
		}
		if ev.Kind == event.Changed || ev.Kind >= event.Accepted && ev.Kind <= event.RolledBack && ev.Entity != "" {
			if l.counts[ev.Entity] = [2]int{ev.Pending, ev.Parked}; ev.Pending == 0 {
				delete(l.counts, ev.Entity)
			}
		}
		if len(ev.Entities) > 0 && ev.Entity != "" && !slices.Contains(ev.Entities, ev.Entity) {
			t.Errorf("the event %v of %s names %v", ev.Kind, ev.Entity, ev.Entities)
		}
	}
}

func (l *pendingList) put(entity, id string, parked bool) {
	if l.listed[entity] == nil {
		l.listed[entity] = make(map[string]bool)
	}
	l.listed[entity][id] = parked
}

// compare reports where the list differs from a snapshot.
func (l *pendingList) compare(t *testing.T, s Snapshot) {
	listed, counts := make(map[string]map[string]bool), make(map[string][2]int)
	for _, of := range s.Entities {
		listed[of.Entity] = make(map[string]bool)
		parked := 0
		for _, o := range of.Operations {
			listed[of.Entity][o.ID] = o.State == Parked
			if o.State == Parked {
				parked++
			}
		}
		counts[of.Entity] = [2]int{len(of.Operations), parked}
	}
	if !maps.EqualFunc(listed, l.listed, maps.Equal) {
		t.Errorf("by the events there are %v, and there are %v", l.listed, listed)
	}
	if !maps.Equal(counts, l.counts) {
		t.Errorf("by the events the counts are %v, and they are %v", l.counts, counts)
	}
}

// A list of pending operations that is made of events alone is right after every step.
func TestLaw42_APendingListNeedsOnlyEvents(t *testing.T) {
	for seed := range uint64(30) {
		inWorld(t, parking(), func(t *testing.T, w *world) {
			random := rand.New(rand.NewPCG(seed, 34))
			swap := w.swap()
			lists := []*pendingList{newPendingList(w.m)}
			checked, steps, groups := afterStep, 0, 0
			defer func() {
				w.m.Close(w.ctx)
				afterStep = checked
			}()
			afterStep = func(e *engine.Engine) {
				checked(e)
				steps++
				if e != w.m.engine {
					return
				}
				s := w.m.snapshotLocked()
				for _, l := range lists {
					l.listen(t)
					l.compare(t, s)
				}
			}
			page := func() string { return fmt.Sprint(random.IntN(3) + 1) }
			var all []*Handle
			for i := range 60 {
				a := page()
				r := reply{before: time.Duration(random.IntN(40)) * time.Millisecond, mute: random.IntN(4) == 0, terse: random.IntN(6) == 0}
				if random.IntN(3) == 0 {
					r.fails = []error{errNever, errBusy, Fail(Conflicting, errNo), Fail(Offline, errNo)}[random.IntN(4)]
				}
				w.server.next(a, r)
				var h *Handle
				switch random.IntN(12) {
				case 0:
					w.receive(a, w.server.truth(a))
				case 1:
					h, _ = w.rename.Execute(w.ctx, a, fmt.Sprint(random.IntN(3)))
				case 2:
					h, _ = w.like.Toggle(w.ctx, a, "me")
				case 3:
					h, _ = w.comment.Execute(w.ctx, a, fmt.Sprint(i), all[max(0, len(all)-1):]...)
				case 4:
					w.m.RollbackAll("page:" + a)
				case 5:
					w.m.Batch(w.ctx, w.rename.Plan(a, "x"), swap.Plan([2]string{"4", a}))
				case 6, 7:
					if len(all) > 0 {
						h := all[random.IntN(len(all))]
						[]func() error{h.Cancel, h.Retry, h.Discard}[random.IntN(3)]()
					}
				default:
					if b := page(); a != b {
						h, _ = swap.Execute(w.ctx, [2]string{a, b})
						groups++
					}
				}
				if h != nil {
					all = append(all, h)
				}
				time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
				if i == 30 {
					lists = append(lists, newPendingList(w.m)) // one that comes late
				}
			}
			w.m.ClearAll()
			synctest.Wait() // workers count steps too
			for _, l := range lists {
				if l.compare(t, Snapshot{}); steps < 40 || groups < 8 {
					t.Error("little was seen:", steps, "steps,", groups, "groups")
				}
			}
		})
	}
}

func TestLaw42_EventsOfAGroupNameAllItsEntities(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		all, second := w.m.Subscribe(SubscribeOptions{}), w.m.Subscribe(SubscribeOptions{Entity: "page:2"})
		events(all)
		events(second)
		w.server.next("1", reply{before: time.Second, fails: errNever})
		must(w.swap().Execute(w.ctx, [2]string{"1", "2"}))(t)
		w.flush()
		whole := events(all)
		equal(t, "events", fmt.Sprint(kindsOf(whole)),
			"[accepted accepted changed changed sent sent rolled back settled settled changed changed]")
		for i, ev := range whole {
			if ev.Kind == event.Changed {
				continue
			}
			equal(t, "all", fmt.Sprint(ev.Entities), "[page:1 page:2]")
			want := []string{"page:1", "page:2"}
			if i > 5 {
				want = []string{"page:2", "page:1"} // one rolled back between
			}
			if ev.Kind != event.RolledBack && ev.Entity != want[i%2] {
				t.Errorf("event %d, %v, is of %s", i, ev.Kind, ev.Entity)
			}
		}
		equal(t, "of the second", fmt.Sprint(kindsOf(events(second))), "[accepted changed sent rolled back settled changed]")
	})
}

// Operations of no visible effect are pending as well: a list with a mark for them needs
// neither to poll nor to ask.
func TestLaw42_APendingChangeAloneIsTold(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.receive("1", w.server.put("1", page{Comments: "same"}))
		sub := w.m.Subscribe(SubscribeOptions{Entity: "page:1"})
		events(sub)
		var seen []string
		go func() {
			for v := range w.pages.Watch(w.ctx, "1") {
				seen = append(seen, fmt.Sprint(v.Pending, v.Parked))
			}
		}()
		w.server.next("1", reply{before: time.Second, fails: errNever}, reply{before: time.Second})
		time.Sleep(time.Millisecond)
		h := do(w, w.comment, "1", "same")
		time.Sleep(2 * time.Second)
		h.Retry()
		time.Sleep(2 * time.Second)
		var told []string
		for _, ev := range events(sub) {
			if ev.Kind == event.Changed {
				t.Error("the value did not change")
			}
			told = append(told, fmt.Sprintf("%v %d %d", ev.Kind, ev.Pending, ev.Parked))
		}
		equal(t, "events", fmt.Sprint(told), "[accepted 1 0 sent 1 0 parked 1 1 unparked 1 0 sent 1 0 settled 0 0]")
		equal(t, "watched", fmt.Sprint(seen), "[0 0 1 0 1 1 1 0 0 0]")
	})
}

// ofOneEntity are the events without those of a group's other entities.
func ofOneEntity(all []Event) []Event {
	return slices.DeleteFunc(all, func(ev Event) bool { return len(ev.Entities) > 0 && ev.Entity != ev.Entities[0] })
}
