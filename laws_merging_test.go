package optimist

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestLaw10_MergeTable(t *testing.T) {
	type step = func(w *world, c, e *Action[page, string], d *Action[page, struct{}])
	create := func(w *world, c, _ *Action[page, string], _ *Action[page, struct{}]) { do(w, c, "new", "a") }
	edit := func(w *world, _, e *Action[page, string], _ *Action[page, struct{}]) { do(w, e, "new", "b") }
	remove := func(w *world, _, _ *Action[page, string], d *Action[page, struct{}]) { do(w, d, "new", struct{}{}) }
	for name, row := range map[string]struct {
		there bool
		steps []step
		calls []string
	}{
		"create+edit=create":         {false, []step{create, edit}, []string{"create b of new"}},
		"create+edit+delete=nothing": {false, []step{create, edit, remove}, nil},
		"create+delete=nothing":      {false, []step{create, remove}, nil},
		"edit+edit=edit":             {true, []step{edit, edit}, []string{"edit b of new"}},
		"delete+create=both":         {true, []step{remove, create}, []string{"remove of new", "create a of new"}},
		"edit+delete=delete":         {true, []step{edit, remove}, []string{"remove of new"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, patient, func(t *testing.T, w *world) {
				w.receive("new", Gone[page](0))
				if row.there {
					w.receive("new", w.server.put("new", page{Title: "old"}))
				}
				c, e, d := w.document()
				is(t, w.m.Err(), nil)
				for _, s := range row.steps {
					s(w, c, e, d)
				}
				w.flush()
				equal(t, "calls", w.server.heard(), row.calls)
				w.settledTruth("new")
			})
		})
	}
}

func TestLaw10_CoalescedOrNotTheServerEndsTheSame(t *testing.T) {
	history := func(t *testing.T, seed uint64, opts Options) (end page, there bool, calls int) {
		inWorld(t, opts, func(t *testing.T, w *world) {
			w.receive("new", Gone[page](0))
			c, e, d := w.document()
			random := rand.New(rand.NewPCG(seed, 10))
			for i := range 12 {
				here := w.pages.View("new").Presence == Present
				switch n := random.IntN(4); {
				case !here:
					do(w, c, "new", fmt.Sprint("c", i))
				case n == 0:
					do(w, d, "new", struct{}{})
				case n == 1:
					w.tap("new", "me")
				default:
					do(w, e, "new", fmt.Sprint("e", i))
				}
				time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
			}
			w.flush()
			w.settledTruth("new")
			end, there, calls = w.server.pages["new"], w.server.truth("new").Presence == Present, len(w.server.heard())
		})
		return end, there, calls
	}
	fewer := 0
	for seed := range uint64(60) {
		end, there, all := history(t, seed, instant)
		coalesced, stillThere, calls := history(t, seed, patient)
		equal(t, fmt.Sprintf("seed %d: the end", seed), coalesced, end)
		equal(t, "there", stillThere, there)
		fewer += all - calls
	}
	if fewer < 60 {
		t.Fatalf("coalescing saved %d calls in 60 histories", fewer)
	}
}

func TestLaw11_OneKeyForLife(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errBusy}, reply{lost: true}, reply{fails: Fail(Offline, errBusy)})
		h := w.tap("1", "me")
		w.flush()
		w.outcome(h, Confirmed)
		calls := w.server.heardCalls()
		equal(t, "calls", len(calls), 4)
		for i, c := range calls {
			equal(t, "key", c.Key, h.ID())
			equal(t, "attempt", c.Attempt, i+1)
		}
	})
}

func TestLaw11_WhatHasLeftIsFrozen(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.server.next("1", reply{lost: true})
		first := do(w, w.rename, "1", "a")
		w.time(15 * time.Second) // its answer is lost, and it was sent again or waits
		second := do(w, w.rename, "1", "b")
		third := do(w, w.rename, "1", "c")
		w.flush()
		w.outcome(first, Confirmed)
		w.outcome(second, Superseded)
		w.outcome(third, Confirmed)
		keys := map[string]string{}
		for _, c := range w.server.heardCalls() {
			if was, ok := keys[c.Key]; ok {
				equal(t, "content under one key", c.What, was)
			}
			keys[c.Key] = c.What
		}
		equal(t, "keys", keys, map[string]string{first.ID(): "rename a", third.ID(): "rename c"})
	})
}

// A Send learns its key from its context, through whatever door.
func TestLaw11_TheContextOfASendTellsItsKey(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var told []CallInfo
		sent := func(ctx context.Context) error {
			if call, ok := CallFrom(context.WithValue(ctx, t, nil)); ok { // a context made from it
				told = append(told, call)
			}
			if len(told)%2 == 1 {
				return errBusy
			}
			return nil
		}
		u, on := w.update("update", "1", func() func() { return nil }), w.toggle("1")
		u.Send = sent
		on.Send = func(ctx context.Context, on bool) (bool, error) { return on, sent(ctx) }
		def := w.renaming("typed")
		def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) { return Truth[page]{}, sent(ctx) }
		typed := Register(w.pages, def)
		for _, execute := range []func() (*Handle, error){
			func() (*Handle, error) { return w.m.Execute(w.ctx, u) },
			func() (*Handle, error) { return w.m.ExecuteToggle(w.ctx, on) },
			func() (*Handle, error) { return typed.Execute(w.ctx, "1", "x") },
		} {
			told = nil
			h := must(execute())(t)
			w.flush()
			w.outcome(h, Confirmed)
			first := CallInfo{
				ID: h.ID(), Type: h.Type(), Entity: h.Entity(), Number: 1, At: h.Timestamp(), ClientID: w.m.ClientID(),
			}
			second := first
			second.Number, second.InDoubt = 2, time.Second // nobody classified the error
			for i := range told {
				told[i].flight = nil
			}
			equal(t, "told", told, []CallInfo{first, second})
		}
		_, ok := CallFrom(w.ctx)
		equal(t, "outside", ok, false)
	})
}
