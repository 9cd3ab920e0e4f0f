package optimist

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
)

// titling is renaming that can be undone.
func (w *world) titling() *Action[page, string] {
	def := w.renaming("title")
	def.Undo = func(u Undone[page, string]) Planned { return u.Plan(u.Before.Title) }
	return Register(w.pages, def)
}

func (w *world) undo(h *Handle) *Handle {
	w.Helper()
	return must(h.Undo(w.ctx))(w.T)
}

func TestLaw50_NotLeftTheWishBeforeTakesItsPlace(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		title := w.titling()
		do(w, title, "1", "a")
		b := do(w, title, "1", "b")
		c := do(w, title, "1", "c")

		undone := w.undo(c)
		equal(t, "shown", w.view("1").Title, "b")
		equal(t, "successor", w.outcome(c, Superseded).Successor, undone)
		redone := w.undo(undone)
		equal(t, "shown after redo", w.view("1").Title, "c")
		w.undo(redone)
		equal(t, "back", w.view("1").Title, "b")
		w.outcome(b, Superseded)

		w.undo(b) // which has ended; the slot holds its wish again
		equal(t, "one more", w.view("1").Title, "a")
		w.flush()
		equal(t, "calls", w.server.heard(), []string{"title a of 1"})
		w.settledTruth("1")
	})
}

func TestLaw50_NotLeftAndTruthBefore(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		title := w.titling()
		alone := do(w, title, "1", "a")
		equal(t, "itself", w.undo(alone), alone)
		w.outcome(alone, Cancelled)

		like := w.tap("2", "me")
		unlike := w.tap("2", "me") // net zero
		w.outcome(like, Superseded)
		w.outcome(unlike, Confirmed)
		equal(t, "liked again", isFan(w.view("2"), "me"), false)
		again := w.undo(unlike)
		equal(t, "the wish before", isFan(w.view("2"), "me"), true)
		w.undo(again)
		w.flush()
		equal(t, "calls", w.server.heard(), []string(nil))
		w.settledTruth("1")
		w.settledTruth("2")
	})
}

// An inverse may join the operation that its own operation has undone. The wish of that one holds
// again then, and it can be undone anew.
func TestLaw50_AnInverseThatJoinsWhatWasUndone(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("new", reply{before: time.Minute})
		first := do(w, w.titling(), "new", "") // nothing is known of it, so it is sent
		w.time(time.Second)
		second := w.undo(first)
		w.receive("new", Truth[page]{Presence: Present, Value: page{}, Version: 1, Contains: []string{second.ID()}})
		w.outcome(second, Confirmed)
		for range 2 {
			equal(t, "joined", w.undo(second), first)
		}
		equal(t, "again", w.undo(first) == second, false)
		w.flush()
	})
}

func TestLaw50_LeftTheInverseIsQueuedBehind(t *testing.T) {
	for _, fails := range []error{nil, errNever} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			w.receive("1", w.server.put("1", page{Title: "old"}))
			title := w.titling()
			w.server.next("1", reply{before: time.Second, fails: fails})
			h := do(w, title, "1", "new")
			synctest.Wait()
			by := w.undo(h)
			equal(t, "shown", w.view("1").Title, "old")
			equal(t, "calls so far", w.server.callCount(), 1)
			w.flush()
			if fails == nil {
				w.outcome(by, Confirmed)
				equal(t, "calls", w.server.heard(), []string{"title new of 1", "title old of 1"})
			} else {
				is(t, w.outcome(by, RolledBack).Err, ErrDependency)
				equal(t, "calls", w.server.heard(), []string{"title new of 1"})
			}
			w.settledTruth("1")
			equal(t, "title", w.view("1").Title, "old")
		})
	}
}

func TestLaw50_AcknowledgedTheInverseIsSentAtOnce(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{terse: true})
		h := w.tap("1", "me")
		synctest.Wait()
		equal(t, "state", h.State(), Acked)
		by := w.undo(h)
		equal(t, "shown", isFan(w.view("1"), "me"), false)
		w.flush()
		w.outcome(h, Confirmed)
		w.outcome(by, Confirmed)
		equal(t, "calls", w.server.heard(), []string{"like me true of 1", "like me false of 1"})
		w.settledTruth("1")
	})
}

// Who has taken an operation back need not decide about it.
func TestLaw50_WithAnInverseBehindItNothingParks(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.commenting()
		def.Type, def.Policy.Failure = "remark", Park
		def.Undo = func(u Undone[page, string]) Planned { return w.uncomment.Plan(u.Entity, u.Args) }
		remark := Register(w.pages, def)
		w.server.next("1", reply{before: time.Second, fails: errNever}, reply{fails: errNever})
		h := do(w, remark, "1", "hi")
		synctest.Wait()
		by := w.undo(h)
		w.flush()
		w.outcome(h, RolledBack)
		w.outcome(by, RolledBack)

		parked := do(w, remark, "1", "ho")
		synctest.Wait()
		equal(t, "state", parked.State(), Parked)
		equal(t, "itself", w.undo(parked), parked)
		w.outcome(parked, Cancelled)
		equal(t, "calls", len(w.server.heard()), 2)
		w.settledTruth("1")
	})
}

func TestLaw50_SettledTheInverseIsExecutedOnTheTruthOfToday(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.receive("1", w.server.put("1", page{Title: "old"}))
		title := w.titling()
		h := do(w, title, "1", "new")
		w.outcome(h, Confirmed)
		w.receive("1", w.server.put("1", page{Title: "new", Fans: "ann"}))
		by := w.undo(h)
		equal(t, "shown", w.view("1"), page{Title: "old", Fans: "ann"})
		equal(t, "second", w.undo(h), by)
		w.outcome(by, Confirmed)
		equal(t, "third", w.undo(h), by)

		redo := w.undo(by)
		equal(t, "redone", w.view("1").Title, "new")
		w.outcome(redo, Confirmed)
		if again := w.undo(h); again == by { // it was redone
			t.Error("no new undo")
		}
		w.flush()
		w.settledTruth("1")
		equal(t, "calls", len(w.server.heard()), 4)
	})
}

func TestLaw50_ChangedSince(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		title := w.titling()
		refused := func(what string, h *Handle) {
			t.Helper()
			before := w.view("1")
			by, err := h.Undo(w.ctx)
			is(t, err, ErrChangedSince)
			equal(t, what, by, nil)
			equal(t, what, w.view("1"), before)
		}
		h := do(w, title, "1", "mine")
		w.outcome(h, Confirmed)
		w.receive("1", w.server.put("1", page{Title: "theirs"}))
		refused("by somebody else", h)

		h = do(w, title, "1", "mine")
		w.outcome(h, Confirmed)
		newer := do(w, title, "1", "newer")
		refused("by a later tap", h)
		w.outcome(newer, Confirmed)

		w.server.next("1", reply{before: time.Second})
		flight := do(w, title, "1", "in flight")
		synctest.Wait()
		newest := do(w, title, "1", "newest")
		refused("while it is in flight", flight)
		w.undo(newest) // has not left
		w.undo(flight)
		equal(t, "shown", w.view("1").Title, "newer")
		w.flush()
		w.settledTruth("1")
	})
}

func TestLaw50_AJoinedHandleUndoesTheSharedOperation(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		h, joined := w.set("1", "me", true), w.set("1", "me", true)
		equal(t, "shared", joined, h)
		w.undo(joined)
		w.outcome(h, Cancelled)
		equal(t, "calls", w.server.callCount(), 0)
	})
}

func TestLaw50_WhatCameToNothingIsUndone(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errNever})
		h := w.tap("1", "me")
		w.outcome(h, RolledBack)
		equal(t, "itself", w.undo(h), h)

		// An undo that came to nothing leaves the way to another.
		h = w.tap("2", "me")
		w.outcome(h, Confirmed)
		w.server.next("2", reply{fails: errNever})
		w.outcome(w.undo(h), RolledBack)
		w.outcome(w.undo(h), Confirmed)
		equal(t, "liked", isFan(w.view("2"), "me"), false)
		w.settledTruth("2")
	})
}

func TestLaw50_CreationsAndDeletions(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var create *Action[page, string]
		removing := w.removing()
		removing.Type, removing.Barrier = "erase", false
		removing.Undo = func(u Undone[page, struct{}]) Planned { return create.Plan(u.Entity, u.Before.Title) }
		erase := Register(w.pages, removing)
		creating := w.creating()
		creating.Type = "write"
		creating.Undo = func(u Undone[page, string]) Planned { return erase.Plan(u.Entity, struct{}{}) }
		create = Register(w.pages, creating)

		w.server.next("new", reply{before: time.Second})
		h := do(w, create, "new", "hello")
		synctest.Wait()
		by := w.undo(h)
		equal(t, "shown", w.pages.View("new").Presence, Absent)
		w.flush()
		w.outcome(h, Confirmed)
		w.outcome(by, Confirmed)
		equal(t, "calls", w.server.heard(), []string{"create hello of new", "remove of new"})

		back := w.undo(by)
		equal(t, "back", w.view("new").Title, "hello")
		w.outcome(back, Confirmed)
		w.settledTruth("new")

		w.server.next("other", reply{before: time.Second, fails: errNever})
		h = do(w, create, "other", "hello")
		synctest.Wait()
		by = w.undo(h)
		w.flush()
		w.outcome(h, RolledBack)
		equal(t, "calls of the deletion", w.result(by).Calls, 0)

		// A deletion that took a creation along, of which nothing had left.
		w.m.SetOnline(false)
		do(w, create, "third", "hello")
		gone := do(w, erase, "third", struct{}{})
		w.outcome(gone, Confirmed)
		w.undo(gone)
		equal(t, "as before", w.view("third").Title, "hello")
	})
}

func TestLaw50_AGroupUndoesAsOne(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var retitle *GroupAction[[3]string]
		group := Group[[3]string]{
			Type: "retitle",
			Parts: func(a [3]string) []Part {
				set := func(p page) (page, error) { p.Title = a[2]; return p, nil }
				return []Part{w.pages.Part(a[0], set), w.pages.Part(a[1], set)}
			},
			Send: func(_ context.Context, c Call[[3]string]) (told []EntityTruth, err error) {
				for _, id := range c.Args[:2] {
					told = append(told, w.pages.EntityTruth(id, w.server.put(id, page{Title: c.Args[2]})))
				}
				return told, nil
			},
		}
		group.Undo = func(u GroupUndone[[3]string]) Planned {
			if u.Args[2] == "" {
				return Planned{} // this one has no inverse
			}
			return u.Plan([3]string{u.Args[0], u.Args[1], ""})
		}
		retitle = RegisterGroup(w.m, group)
		h := must(retitle.Execute(w.ctx, [3]string{"1", "2", "x"}))(t)
		w.outcome(h, Confirmed)
		by := w.undo(h)
		equal(t, "shown", w.view("1").Title+w.view("2").Title, "")
		w.outcome(by, Confirmed)
		_, err := by.Undo(w.ctx)
		is(t, err, ErrInvalid)

		h = must(retitle.Execute(w.ctx, [3]string{"1", "2", "y"}))(t)
		w.outcome(h, Confirmed)
		w.receive("2", w.server.put("2", page{Title: "theirs"}))
		_, err = h.Undo(w.ctx)
		is(t, err, ErrChangedSince)
		equal(t, "first untouched", w.view("1").Title, "y")
	})
}

// The inverse of a group is of the values before it, which are those that were seen: over
// operations that had not settled then, and in entities of several stores.
func TestLaw50_AGroupsInverseIsOfTheValuesBefore(t *testing.T) {
	for _, early := range []bool{false, true} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			notes := NewStore[string](w.m, "note")
			is(t, notes.Receive("n", TruthOf("noted", 1)), nil)
			type titles [3]string // of page 1, of page 2, and the note
			var all *GroupAction[titles]
			all = RegisterGroup(w.m, Group[titles]{
				Type: "titles",
				Parts: func(a titles) []Part {
					set := func(title string) func(page) (page, error) {
						return func(p page) (page, error) { p.Title = title; return p, nil }
					}
					return []Part{
						w.pages.Part("1", set(a[0])), notes.Part("n", func(string) (string, error) { return a[2], nil }), w.pages.Part("2", set(a[1])),
					}
				},
				Send: func(context.Context, Call[titles]) ([]EntityTruth, error) {
					if early {
						time.Sleep(time.Second)
					}
					return nil, nil
				},
				Undo: func(u GroupUndone[titles]) Planned {
					one, ok := UndoneIn(u, w.pages, "1")
					two, _ := UndoneIn(u, w.pages, "2")
					note, _ := UndoneIn(u, notes, "n")
					equal(t, "one of its entities", ok, true)
					equal(t, "presence", note.Presence, Present)
					_, other := UndoneIn(u, w.pages, "3")
					_, none := UndoneIn[page](u, nil, "1")
					equal(t, "others", other || none, false)
					is(t, one.Plan(u.Args).err, ErrInvalid)
					return u.Plan(titles{one.Before.Title, two.Before.Title, note.Before})
				},
			})
			w.receive("2", w.server.put("2", page{Title: "of the server"}))
			do(w, w.rename, "1", "of mine")
			h := must(all.Execute(w.ctx, titles{"x", "y", "z"}))(t)
			if synctest.Wait(); !early {
				w.outcome(h, Confirmed)
			}
			by := w.undo(h)
			equal(t, "shown", w.view("1").Title+", "+w.view("2").Title+", "+notes.View("n").Value, "of mine, of the server, noted")
			w.flush()
			w.outcome(by, Confirmed)
			redone := w.undo(by)
			equal(t, "shown again", w.view("1").Title+w.view("2").Title+notes.View("n").Value, "xyz")
			w.flush()
			w.outcome(redone, Confirmed)
		})
	}
	is(t, GroupUndone[int]{}.Plan(1).err, ErrInvalid)
	_, ok := UndoneIn(GroupUndone[int]{}, new(Store[page]), "1")
	equal(t, "of nothing", ok, false)
}

// A tap on a ToggleUpdate is undone by a tap; an Update declares no inverse.
func TestLaw50_TogglesOfClosures(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) { // not left, and parked by nobody
		h := must(w.m.ExecuteToggle(w.ctx, w.toggle("1")))(t)
		equal(t, "itself", w.undo(h), h)
		w.outcome(h, Cancelled)
		equal(t, "shown", w.onScreen("1"), false)
		equal(t, "again", w.undo(h), h)
		w.flush()
		equal(t, "calls", len(w.server.heard()), 0)

		update := w.update("text", "1", func() func() { return nil })
		h = must(w.m.Execute(w.ctx, update))(t)
		_, err := h.Undo(w.ctx)
		is(t, err, ErrInvalid)
	})
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: time.Second})
		h := must(w.m.ExecuteToggle(w.ctx, w.toggle("1")))(t)
		synctest.Wait()
		by := w.undo(h) // on its way
		equal(t, "shown", w.onScreen("1"), false)
		equal(t, "the second", w.undo(h), by)
		w.flush()
		w.outcome(h, Confirmed)
		w.outcome(by, Confirmed)
		equal(t, "calls", w.server.heard(), []string{"like me true of 1", "like me false of 1"})

		redone := w.undo(by) // settled
		equal(t, "shown again", w.onScreen("1"), true)
		w.flush()
		equal(t, "liked", w.server.likes("1"), true)
		again := w.undo(h) // whose undo was undone
		equal(t, "another", again == by || again == redone, false)
		equal(t, "back", w.onScreen("1"), false)
		w.flush()

		h = must(w.m.ExecuteToggle(w.ctx, w.toggle("1")))(t)
		w.flush()
		w.setScreen("1", false) // by a push
		_, err := h.Undo(w.ctx)
		is(t, err, ErrChangedSince)
		w.m.Close(w.ctx)
		_, err = h.Undo(w.ctx)
		is(t, err, ErrClosed)
	})
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: time.Second, fails: errNever})
		h := must(w.m.ExecuteToggle(w.ctx, w.toggle("1")))(t)
		synctest.Wait()
		by := w.undo(h)
		w.flush()
		w.outcome(h, RolledBack)
		equal(t, "calls", w.server.heard(), []string{"like me true of 1"})
		equal(t, "shown", w.onScreen("1"), false)
		equal(t, "of what came to nothing", w.undo(h), by)
	})
}

// Calls of Undo at the same time undo once.
func TestLaw50_UndoTwiceAtOnce(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		h := must(w.m.ExecuteToggle(w.ctx, w.toggle("1")))(t)
		w.flush()
		var both [2]*Handle
		var all sync.WaitGroup
		for i := range both {
			all.Go(func() { both[i], _ = h.Undo(w.ctx) })
		}
		all.Wait()
		equal(t, "one inverse", both[0] != nil && both[0] == both[1], true)
		w.flush()
		equal(t, "liked", w.server.likes("1"), false)
	})
}

func TestLaw50_TheNewestHundred(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var taps []*Handle
		for i := range 101 {
			taps = append(taps, w.tap("1", fmt.Sprint("u", i)))
		}
		w.flush()
		_, err := taps[0].Undo(w.ctx)
		is(t, err, ErrSettled)
		w.outcome(w.undo(taps[2]), Confirmed) // now the second is not among them either
		_, err = taps[1].Undo(w.ctx)
		is(t, err, ErrSettled)
		w.m.ClearAll()
		_, err = taps[100].Undo(w.ctx)
		is(t, err, ErrSettled)
	})
}

func TestLaw50_BadInput(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		_, err := (*Handle)(nil).Undo(w.ctx)
		is(t, err, ErrInvalid)
		_, err = new(Handle).Undo(w.ctx)
		is(t, err, ErrInvalid)
		_, err = do(w, w.rename, "1", "x").Undo(w.ctx)
		is(t, err, ErrInvalid)

		title := w.renaming("panics")
		title.Undo = func(Undone[page, string]) Planned { panic("no") }
		h := do(w, Register(w.pages, title), "1", "y")
		synctest.Wait()
		_, err = h.Undo(w.ctx)
		is(t, err, ErrApply)

		var used Planned
		title.Type = "used"
		title.Undo = func(u Undone[page, string]) Planned { return used }
		twice := Register(w.pages, title)
		used = twice.Plan("1", "z")
		h = do(w, twice, "1", "zz")
		synctest.Wait()
		w.undo(h)
		h = do(w, twice, "1", "zzz")
		synctest.Wait()
		_, err = h.Undo(w.ctx)
		is(t, err, ErrInvalid)

		h = w.tap("2", "me")
		_, err = h.Undo(nil)
		is(t, err, ErrInvalid)
		w.flush()
		w.m.Close(w.ctx)
		_, err = h.Undo(w.ctx)
		is(t, err, ErrClosed)
	})
}

// Nobody knows whether the server has an operation that was cancelled on its way: its inverse
// is sent.
func TestLaw50_AnInverseOfWhatTheServerMayHaveIsSent(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: time.Second})
		h := w.tap("1", "me")
		synctest.Wait()
		by := w.undo(h)
		if err := h.Cancel(); err != nil {
			t.Fatal(err)
		}
		w.flush()
		w.outcome(by, Confirmed)
		equal(t, "calls", w.server.heard(), []string{"like me true of 1", "like me false of 1"})
		w.settledTruth("1")
	})
}

func TestLaw50_OtherTypesPayNothing(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		h := do(w, w.rename, "1", "x")
		if u, err := w.m.engine.Undoing(&h.op); err != nil || u.Way != engine.TakeOut {
			t.Fatal(u, err)
		}
		do(w, w.rename, "1", "y")
		w.flush()
		_, err := w.m.engine.Undoing(&h.op)
		is(t, err, ErrSettled) // nothing was remembered
	})
}
