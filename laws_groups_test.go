package optimist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

func TestLaw26_AppliedSettledAndRolledBackInOneStep(t *testing.T) {
	for _, fails := range []error{nil, errNever} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			swap := w.swap()
			w.server.next("1", reply{before: time.Second, fails: fails})
			sub := w.m.Subscribe(SubscribeOptions{})
			events(sub)
			h := must(swap.Execute(w.ctx, [2]string{"1", "2"}))(t)
			equal(t, "shown", [2]string{w.view("1").Title, w.view("2").Title}, [2]string{"like 2", "like 1"})
			equal(t, "pending", [2]int{w.m.PendingCount("page:1"), w.m.PendingCount("page:2")}, [2]int{1, 1})
			equal(t, "of the group", w.m.Snapshot().Entities[0].Operations[0].Entities, []string{"page:1", "page:2"})
			w.flush()
			if fails == nil {
				w.outcome(h, Confirmed)
				equal(t, "changes", len(events(sub, event.Changed)), 2)
			} else {
				w.outcome(h, RolledBack)
				equal(t, "changes", len(events(sub, event.Changed)), 4)
			}
			equal(t, "callbacks", len(w.noted()), 1)
			w.settledTruth("1")
			w.settledTruth("2")
		})
	}
}

func TestLaw26_RefusedInOneIsRefusedInAll(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.receive("2", w.server.remove("2"))
		sub := w.m.Subscribe(SubscribeOptions{})
		_, err := w.swap().Execute(w.ctx, [2]string{"1", "2"})
		is(t, err, ErrAbsent)
		equal(t, "shown", w.view("1"), page{})
		equal(t, "events", kindsOf(events(sub)), []event.Kind{event.Started})
	})
}

func TestLaw26_RolledBackInOneIsRolledBackInAll(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		do(w, w.comment, "1", "holds the lane")
		h := must(w.swap().Execute(w.ctx, [2]string{"1", "2"}))(t)
		after := do(w, w.comment, "2", "after it")
		w.receive("2", w.server.remove("2"))
		is(t, w.outcome(h, RolledBack).Err, ErrAbsent)
		is(t, w.outcome(after, RolledBack).Err, ErrAbsent)
		equal(t, "shown", w.view("1").Title, "")
		w.flush()
		equal(t, "calls", w.server.heard(), []string{"comment holds the lane of 1"})
	})
}

func TestLaw26_AGroupOfOne(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		g := RegisterGroup(w.m, Group[string]{
			Type: "single",
			Parts: func(title string) []Part {
				return []Part{w.pages.Part("1", func(p page) (page, error) { p.Title = title; return p, nil })}
			},
			Send: func(context.Context, Call[string]) ([]EntityTruth, error) { return nil, nil },
		})
		h := must(g.Execute(w.ctx, "x"))(t)
		equal(t, "shown", w.view("1").Title, "x")
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "as predicted", w.view("1").Title, "x")
	})
}

// Groups that share entities in every order, with failures and cancels between.
func TestLaw26_DeadlockFree(t *testing.T) {
	for seed := range uint64(30) {
		inWorld(t, instant, func(t *testing.T, w *world) {
			random := rand.New(rand.NewPCG(seed, 26))
			swap := w.swap()
			all := []*Handle{do(w, w.comment, "1", "first")}
			for i := range 40 {
				ids := random.Perm(5)
				a, b := fmt.Sprint(ids[0]+1), fmt.Sprint(ids[1]+1)
				r := reply{before: time.Duration(random.IntN(300)) * time.Millisecond}
				if random.IntN(5) == 0 {
					r.fails = []error{errNever, errBusy}[random.IntN(2)]
				}
				w.server.next(a, r)
				switch random.IntN(4) {
				case 0:
					all = append(all, do(w, w.comment, a, fmt.Sprint(i)))
				case 1:
					all[random.IntN(len(all))].Cancel()
				default:
					all = append(all, must(swap.Execute(w.ctx, [2]string{a, b}))(t))
				}
				time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
			}
			w.flush()
			for _, h := range all {
				w.result(h)
			}
			for id := range 5 {
				w.receive(fmt.Sprint(id+1), w.server.truth(fmt.Sprint(id+1)))
				w.settledTruth(fmt.Sprint(id + 1))
			}
		})
	}
}

func TestLaw26_BatchIsAllOrNothing(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		_, err := w.m.Batch(w.ctx, w.comment.Plan("1", "a"), w.uncomment.Plan("1", "of nobody"))
		is(t, err, ErrGuard)
		equal(t, "shown", w.view("1"), page{})
		equal(t, "events", kindsOf(events(sub)), []event.Kind{event.Started})
		all := must(w.m.Batch(w.ctx, w.comment.Plan("1", "a"), w.uncomment.Plan("1", "a"), w.rename.Plan("2", "t"), w.rename.Plan("2", "t")))(t)
		equal(t, "joined", all[2] == all[3], true)
		w.flush()
		for _, h := range all {
			w.outcome(h, Confirmed)
		}
		w.settledTruth("1")
		w.settledTruth("2")
	})
}

// An operation of a batch whose ground an earlier one of it takes away is accepted
// and rolled back at once: the handles of all the others are not lost.
func TestLaw26_ABatchThatRemovesItsOwnGround(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		def := w.renaming("needs a title")
		def.Slot = nil
		def.Guard = func(p page, title string) error {
			if p.Title != title {
				return errors.New("another title")
			}
			return nil
		}
		def.Apply = func(p page, _ string) (page, error) { return p, nil }
		def.Policy.Debounce.Wait = time.Hour
		needy := Register(w.pages, def)
		do(w, w.rename, "1", "a")
		guarded := do(w, needy, "1", "a")
		all, err := w.m.Batch(w.ctx, w.rename.Plan("1", "b"), w.comment.Plan("2", "x", guarded))
		is(t, w.outcome(guarded, RolledBack).Err, ErrGuard)
		if err != nil {
			equal(t, "refused, and shown", w.view("1").Title, "a")
			return
		}
		equal(t, "shown", w.view("1").Title, "b")
		is(t, w.outcome(all[1], RolledBack).Err, ErrDependency)
		w.flush()
		w.outcome(all[0], Confirmed)
		w.settledTruth("1")
	})
}

func TestLaw27_ArgumentsAreCapturedAtTheCall(t *testing.T) {
	type tags struct {
		Names []string
		More  map[string]*[]string
	}
	inWorld(t, patient, func(t *testing.T, w *world) {
		def := Mutation[page, tags]{
			Type: "tag",
			Apply: func(p page, a tags) (page, error) {
				for _, name := range append(a.Names, *a.More["x"]...) {
					p.Comments = p.Comments.with(name)
				}
				return p, nil
			},
		}
		var sent []string
		def.Send = func(_ context.Context, c Call[tags]) (Truth[page], error) {
			time.Sleep(time.Second)
			sent = append(slices.Clone(c.Args.Names), *c.Args.More["x"]...)
			return Truth[page]{}, nil
		}
		def.Policy.Debounce.Wait = time.Second
		args := tags{Names: []string{"a", "b"}, More: map[string]*[]string{"x": {"c"}}}
		plan := tags{Names: []string{"p"}, More: map[string]*[]string{"x": {"q"}}}
		tag := Register(w.pages, def)
		do(w, tag, "1", args)
		planned := tag.Plan("2", plan)
		args.Names[0], (*args.More["x"])[0], args.More["x"] = "z", "z", nil
		plan.Names[0] = "z"
		w.receive("1", w.server.put("1", page{Title: "folded again"}))
		equal(t, "shown", w.view("1").Comments, "a b c")
		w.flush()
		equal(t, "sent", sent, []string{"a", "b", "c"})
		must(w.m.Batch(w.ctx, planned))(t)
		equal(t, "shown", w.view("2").Comments, "p q")
		w.flush()
	})
}

func TestLaw27_GuardsAreCheckedAtEachRebase(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.receive("1", w.server.put("1", page{Comments: "c d"}))
		_, err := w.uncomment.Execute(w.ctx, "1", "x")
		is(t, err, ErrGuard)
		w.server.next("1", reply{before: 10 * time.Second})
		do(w, w.rename, "1", "holds the lane")
		w.time(time.Second)
		goes, stays := do(w, w.uncomment, "1", "c"), do(w, w.uncomment, "1", "d")
		w.receive("1", w.server.put("1", page{Comments: "d"}))
		is(t, w.outcome(goes, RolledBack).Err, ErrGuard)
		w.unsettled(stays)
		equal(t, "told", w.noted(), []string{"error of uncomment page:1"})
		w.flush()
		w.outcome(stays, Confirmed)
		w.settledTruth("1")
	})
}

// What others depend on is sent, although it is taken back before it has left.
func TestLaw19_WhatIsNeededIsNotAnnihilated(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.receive("new", Gone[page](0))
		create, _, remove := w.document()
		h := do(w, create, "new", "a")
		answer := do(w, w.comment, "2", "about it", h)
		last := do(w, remove, "new", struct{}{})
		w.flush()
		equal(t, "calls of the page", w.callsOf("new"), []string{"create a", "remove"})
		for _, h := range []*Handle{h, answer, last} {
			w.outcome(h, Confirmed)
		}
		w.settledTruth("new")
	})
}

func (w *world) callsOf(id string) (all []string) {
	for _, c := range w.server.heardCalls() {
		if c.Entity == id {
			all = append(all, c.What)
		}
	}
	return all
}

func TestLaw03_ForgettingIsAChangeToo(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{Entity: "page:1"})
		events(sub)
		equal(t, "forgotten", w.pages.Forget("1"), true)
		told := events(sub)
		equal(t, "told", kindsOf(told), []event.Kind{event.Changed})
		equal(t, "value", told[0].Value, nil)
		w.receive("1", w.server.put("1", page{Title: "again"}))
		equal(t, "number", events(sub)[0].Number, told[0].Number+1)
	})
}

func TestLaw19_EachEntityOfAGroupIsTold(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		first := w.m.Subscribe(SubscribeOptions{Entity: "page:3"})
		second := w.m.Subscribe(SubscribeOptions{Entity: "page:4"})
		w.server.next("3", reply{fails: errNever})
		h := must(w.swap().Execute(w.ctx, [2]string{"3", "4"}))(t)
		w.time(time.Minute)
		w.outcome(h, RolledBack)
		equal(t, "kinds", kindsOf(events(second)), kindsOf(events(first)))
	})
}

// A rule that says TakeSecond and changes nothing is no rule.
func TestLaw20_WhatIsReplacedIsNotParked(t *testing.T) {
	for _, rule := range []bool{false, true} {
		opts := instant
		opts.Policy.Failure = Park
		inWorld(t, opts, func(t *testing.T, w *world) {
			if rule {
				Merge(w.rename, w.rename, func(_, _ *string) MergeRule { return TakeSecond })
			}
			w.server.next("1", reply{before: time.Second, fails: errNever})
			first := do(w, w.rename, "1", "a")
			synctest.Wait()
			do(w, w.rename, "1", "b")
			other := do(w, w.comment, "1", "of no slot")
			w.time(time.Minute)
			w.outcome(first, RolledBack)
			w.outcome(other, Confirmed)
			equal(t, "title on the server", w.server.truth("1").Value.Title, "b")
		})
	}
}

// A plan is used up when it has been accepted, and not before.
func TestLaw28_PlansOfARefusedBatchCanBeExecuted(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		good := w.rename.Plan("1", "x")
		over, cancel := context.WithCancel(w.ctx)
		cancel()
		for what, row := range map[string]struct {
			ctx   context.Context
			bad   []Planned
			names string // type and entity of the refused
		}{
			"an invalid one":    {w.ctx, []Planned{w.rename.Plan("", "x")}, "rename of page:"},
			"one that is empty": {w.ctx, []Planned{{}}, "batch"},
			"one twice":         {w.ctx, []Planned{good}, "rename of page:1"},
			"one refused":       {w.ctx, []Planned{w.uncomment.Plan("2", "of nobody")}, "uncomment of page:2"},
			"a context":         {over, nil, "batch"},
		} {
			_, err := w.m.Batch(row.ctx, append([]Planned{good}, row.bad...)...)
			var op *OpError
			if !errors.As(err, &op) || !strings.HasPrefix(err.Error(), row.names+":") {
				t.Errorf("%s: error %v", what, err)
			}
		}
		all := must(w.m.Batch(w.ctx, good))(t)
		_, err := w.m.Batch(w.ctx, good)
		is(t, err, ErrInvalid)
		w.flush()
		w.outcome(all[0], Confirmed)
	})
}

// An answer can only tell of stores whose manager holds the lock.
func TestLaw26_TruthOfAnotherManagersStoreIsRefused(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		other := newWorld(t, instant)
		defer other.m.Close(w.ctx)
		broken := NewStore[page](nil, "broken")
		smuggled := TruthOf(page{Title: "smuggled"}, 99)
		smuggled.ReadAt = time.Now()
		act := RegisterGroup(w.m, Group[string]{
			Type:  "act",
			Parts: func(string) []Part { return []Part{w.pages.CreatePart("1", setFanOf("me"))} },
			Send: func(context.Context, Call[string]) ([]EntityTruth, error) {
				return []EntityTruth{
					other.pages.EntityTruth("1", smuggled), broken.EntityTruth("1", smuggled), w.pages.EntityTruth("", smuggled), {},
					w.pages.EntityTruth("2", TruthOf(page{Title: "told"}, 99)),
				}, nil
			},
		})
		sub := w.m.Subscribe(SubscribeOptions{})
		h := must(act.Execute(w.ctx, "x"))(t)
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "the other manager's", other.view("1"), page{})
		equal(t, "ours", w.view("2").Title, "told")
		refused := events(sub, event.TruthRefused)
		equal(t, "refused", len(refused), 4)
		for _, ev := range refused {
			is(t, ev.Err, ErrInvalid)
			equal(t, "type", ev.Type, "act")
		}
	})
}

func setFanOf(user string) func(page) (page, error) {
	return func(p page) (page, error) { return setFan(p, user, true), nil }
}
