package optimist

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// abacus is a store of numbers to which people add; a rule sums what has not left.
type abacus struct {
	store *Store[int]
	add   *Action[int, int]
	calls []int
	held  Truth[int]
}

func (w *world) abacus() *abacus {
	c := &abacus{store: NewStore[int](w.m, "sum"), held: TruthOf(0, 1)}
	c.add = Register(c.store, Mutation[int, int]{
		Type: "add", Slot: func(int) string { return "n" },
		Apply: func(n, by int) (int, error) { return n + by, nil },
		Send: func(ctx context.Context, call Call[int]) (Truth[int], error) {
			c.calls = append(c.calls, call.Args)
			err := sleep(ctx, time.Second, false)
			c.held.Value += call.Args
			c.held.Version++
			return c.held, err
		},
	})
	Merge(c.add, c.add, func(first, second *int) MergeRule { *second += *first; return TakeSecond })
	is(w.T, c.store.Receive("1", c.held), nil)
	return c
}

func (c *abacus) plus(w *world, n int) *Handle { return must(c.add.Execute(w.ctx, "1", n))(w.T) }

func (c *abacus) shown() int { return c.store.View("1").Value }

func TestLaw06_ARuleDecidesAlsoAboutEqualWishes(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		c := w.abacus()
		first, second := c.plus(w, 1), c.plus(w, 1)
		equal(t, "one handle", first == second, false)
		equal(t, "shown", c.shown(), 2)
		w.flush()
		equal(t, "calls", c.calls, []int{2})
		equal(t, "shown", c.shown(), 2)
		equal(t, "successor", w.outcome(first, Superseded).Successor == second, true)
		w.outcome(second, Confirmed)
	})
}

func TestLaw06_WithARuleNothingJoinsWhatHasLeft(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		c := w.abacus()
		first := c.plus(w, 1)
		w.time(500 * time.Millisecond) // it is in flight
		second, third := c.plus(w, 1), c.plus(w, 1)
		equal(t, "shown", c.shown(), 3)
		w.flush()
		equal(t, "calls", c.calls, []int{1, 2})
		equal(t, "shown", c.shown(), 3)
		w.outcome(first, Confirmed)
		w.outcome(second, Superseded)
		w.outcome(third, Confirmed)
	})
}

func TestLaw08_ARuleMayEndOnNothing(t *testing.T) {
	for _, flying := range []bool{false, true} {
		inWorld(t, patient, func(t *testing.T, w *world) {
			c := w.abacus()
			want := []int(nil)
			if flying {
				c.plus(w, 5)
				w.time(500 * time.Millisecond)
				want = []int{5}
			}
			c.plus(w, 1)
			last := c.plus(w, -1)
			w.flush()
			equal(t, "calls", c.calls, want)
			equal(t, "of the last", w.outcome(last, Confirmed).Calls, 0)
		})
	}
}

// A batch counts with the room that the rule needs.
func TestLaw06_ABatchFollowsTheRule(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		c := w.abacus()
		c.plus(w, 1)
		all := must(w.m.Batch(w.ctx, c.add.Plan("1", 1), c.add.Plan("1", 1)))(t)
		equal(t, "handles", len(all), 2)
		w.flush()
		equal(t, "calls", c.calls, []int{3})
	})
}

func TestLaw10_WithoutARuleMakingAndChangingStayApart(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		slot := func(string) string { return "text" }
		family := func(def Mutation[page, string]) Mutation[page, string] {
			def.Type, def.Family, def.Slot = def.Type+" apart", "apart", slot
			return def
		}
		create, edit := Register(w.pages, family(w.creating())), Register(w.pages, family(w.renaming("edit")))
		remove := w.removing()
		remove.Type, remove.Family, remove.Barrier, remove.Slot = "remove apart", "apart", false, func(struct{}) string { return "text" }
		gone := Register(w.pages, remove)
		is(t, w.m.Err(), nil)

		w.receive("new", Gone[page](0))
		do(w, create, "new", "a")
		do(w, edit, "new", "b")
		do(w, edit, "new", "c")
		w.flush()
		equal(t, "create, then change", w.server.heard(), []string{"create a of new", "edit c of new"})
		w.settledTruth("new")

		do(w, gone, "new", struct{}{})
		do(w, create, "new", "d")
		w.flush()
		equal(t, "delete, then create", w.server.heard(), []string{"remove of new", "create d of new"})
		w.settledTruth("new")

		do(w, edit, "new", "e")
		do(w, gone, "new", struct{}{})
		w.flush()
		equal(t, "change, then delete", w.server.heard(), []string{"remove of new"})
		w.settledTruth("new")
	})
}

// The server accepts a like, and what it tells does not show it: it may be a replica that
// lags. Off is another wish than the one that it accepted.
func TestLaw09_WishesAreComparedNotOutcomes(t *testing.T) {
	t.Run("typed", func(t *testing.T) {
		inWorld(t, patient, func(t *testing.T, w *world) {
			a := w.answering(false, StoreOptions[page]{})
			var wishes []bool
			def := w.likeToggle()
			def.Type = "slow"
			def.Send = func(ctx context.Context, c Call[Switched]) (Truth[page], error) {
				wishes = append(wishes, c.Args.On)
				return at(uint64(8+len(wishes)), false), sleep(ctx, time.Second, false)
			}
			slow := RegisterToggle(a.store, def)
			tap := func() { must(slow.Toggle(w.ctx, "1", "me"))(t) }
			tap()
			w.time(500 * time.Millisecond)
			tap() // off
			w.flush()
			equal(t, "wishes", wishes, []bool{true, false})
			equal(t, "shown", a.shown(), false)
		})
	})
	t.Run("closures", func(t *testing.T) {
		inWorld(t, patient, func(t *testing.T, w *world) {
			var wishes []bool
			tap := func() {
				u := w.toggle("1")
				u.Send = func(ctx context.Context, on bool) (bool, error) {
					wishes = append(wishes, on)
					return false, sleep(ctx, time.Second, false)
				}
				must(w.m.ExecuteToggle(w.ctx, u))(t)
			}
			tap()
			w.time(500 * time.Millisecond)
			tap() // off
			w.flush()
			equal(t, "wishes", wishes, []bool{true, false})
			equal(t, "shown", w.onScreen("1"), false)
		})
	})
}

// What was refused is no wish that the server has.
func TestLaw09_WhatWasRefusedIsNotUndone(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: time.Second, fails: errNever})
		d.tap("1")
		w.time(500 * time.Millisecond)
		d.tap("1") // off
		w.flush()
		equal(t, "calls", len(w.server.heard()), 1)
		equal(t, "shown", d.shown("1"), false)
	})
}

// The last of three taps wants what the server has accepted, before and after it has.
func TestLaw09_BackToTheAcceptedWishIsNotSent(t *testing.T) {
	for _, landed := range []bool{false, true} {
		t.Run(fmt.Sprint("landed ", landed), func(t *testing.T) {
			bothDoors(t, patient, func(t *testing.T, w *world, d door) {
				w.server.next("1", reply{before: 200 * time.Millisecond})
				d.tap("1")
				w.time(400 * time.Millisecond)
				d.tap("1") // off
				if landed {
					w.time(200 * time.Millisecond)
				}
				d.tap("1")
				w.flush()
				equal(t, "calls", len(w.server.heard()), 1)
				equal(t, "shown", d.shown("1"), true)
			})
		})
	}
}

// Types of a slot are wishes of their own; what changes nothing is not sent when its turn
// has come.
func TestLaw09_AnotherTypeOfTheSlotDoesNotJoin(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		family := func(typ string) *Action[page, string] {
			def := w.renaming(typ)
			def.Family = "title"
			return Register(w.pages, def)
		}
		one, other := family("name"), family("call")
		w.server.next("1", reply{before: time.Second})
		first := do(w, one, "1", "x")
		synctest.Wait()
		second := do(w, other, "1", "x")
		equal(t, "one handle", first == second, false)
		w.flush()
		equal(t, "shown", w.view("1").Title, "x")
		equal(t, "calls", w.outcome(second, Confirmed).Calls, 0)
	})
}
