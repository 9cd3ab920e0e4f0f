package optimist

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

func TestLaw04_OneOfALaneInFlightInTheOrderAccepted(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{before: time.Second})
		var want []string
		for i := range 10 {
			do(w, w.comment, "1", fmt.Sprint(i))
			want = append(want, fmt.Sprintf("comment %d of 1", i))
		}
		synctest.Wait()
		equal(t, "calls at first", w.server.callCount(), 1)
		w.flush()
		equal(t, "calls", w.server.heard(), want)
		equal(t, "at once", w.server.mostAtOnce(), 1)
	})
}

func TestLaw04_ClosuresOfAnEntityGoInOrderToo(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{before: time.Second})
		var want []string
		for i := range 10 {
			typ := fmt.Sprint("update", i)
			must(w.m.Execute(w.ctx, w.update(typ, "1", func() func() { return nil })))(t)
			want = append(want, typ+" of 1")
		}
		w.flush()
		equal(t, "calls", w.server.heard(), want)
		equal(t, "at once", w.server.mostAtOnce(), 1)
	})
}

func TestLaw04_LanesNeverWaitForEachOther(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: 9 * time.Second})
		stuck, quick := d.tap("1"), d.tap("2")
		w.outcome(quick, Confirmed)
		w.unsettled(stuck)
		w.flush()
	})
}

func TestLaw04_ALaneOfSeveralEntities(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		drawer := NewStore(w.m, "drawer", StoreOptions[page]{Lane: func(id string) string { return id[:1] }})
		def := w.renaming("label")
		under, most := map[string]int{}, map[string]int{}
		send := def.Send
		def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) {
			lane := c.Entity[:1]
			w.mu.Lock()
			under[lane]++
			most[lane] = max(most[lane], under[lane])
			w.mu.Unlock()
			defer func() { w.mu.Lock(); under[lane]--; w.mu.Unlock() }()
			return send(ctx, c)
		}
		label := Register(drawer, def)
		w.server.alwaysReply(&reply{before: time.Second})
		for _, id := range []string{"a1", "b1", "a2", "b2", "a3"} {
			do(w, label, id, "x")
		}
		w.flush()
		equal(t, "at once in a lane", most, map[string]int{"a": 1, "b": 1})
		equal(t, "at once", w.server.mostAtOnce(), 2)
		equal(t, "in lane a", slices.DeleteFunc(w.server.heard(), func(s string) bool { return s[len(s)-2] != 'a' }),
			[]string{"label x of a1", "label x of a2", "label x of a3"})
	})
}

func TestLaw04_CapIsEightAndSharedFairly(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.alwaysReply(&reply{before: time.Second})
		for i := range 50 { // nine busy lanes
			for lane := range 9 {
				do(w, w.comment, fmt.Sprint(lane+1), fmt.Sprint(i))
			}
		}
		time.Sleep(20500 * time.Millisecond)
		equal(t, "at once", w.server.mostAtOnce(), 8)
		last := map[string]time.Duration{}
		for _, c := range w.server.heardCalls() {
			if c.At-last[c.Entity] > 2*time.Second {
				t.Errorf("lane %s waited from %v to %v", c.Entity, last[c.Entity], c.At)
			}
			last[c.Entity] = c.At
		}
		equal(t, "lanes that had a turn", len(last), 9)
		w.m.ClearAll()
	})
}

func TestLaw04_AStuckEntityDelaysNobody(t *testing.T) {
	for name, stuck := range map[string]reply{
		"fails":         {fails: errBusy},
		"hangs":         {before: time.Hour},
		"loses answers": {lost: true},
		"is busy":       {fails: &SendError{Class: Overloaded, RetryAfter: time.Minute, Err: errBusy}},
	} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.Policy.Retry.Max = Forever
			inWorld(t, opts, func(t *testing.T, w *world) {
				w.server.next("1", slices.Repeat([]reply{stuck}, 1000)...)
				w.tap("1", "me")
				for range 100 {
					time.Sleep(7 * time.Second)
					began := time.Now()
					if w.outcome(w.tap("2", "me"), Confirmed); time.Since(began) > 0 {
						t.Fatalf("waited %v", time.Since(began))
					}
				}
				w.m.ClearAll()
			})
		})
	}
}

// One stuck entity alone is no sign that the server answers nobody.
func TestLaw04_AStuckEntityDelaysNoNewcomer(t *testing.T) {
	opts := instant
	opts.Policy.Retry.Max = Forever
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.next("1", slices.Repeat([]reply{{fails: errBusy}}, 1000)...)
		w.tap("1", "me")
		time.Sleep(20 * time.Minute)
		w.outcome(w.tap("2", "me"), Confirmed)
	})
}

func TestLaw05_TheLatestTapSetsTheDeadline(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		for range 5 {
			d.tap("1")
			time.Sleep(200 * time.Millisecond)
		}
		equal(t, "calls during the burst", w.server.callCount(), 0)
		time.Sleep(time.Second)
		calls := w.server.heardCalls()
		equal(t, "calls", len(calls), 1)
		equal(t, "left", calls[0].At, 800*time.Millisecond+300*time.Millisecond)
	})
}

func TestLaw05_MaxWaitCapsABurst(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		for i := range 15 {
			do(w, w.rename, "1", fmt.Sprint(i))
			time.Sleep(190 * time.Millisecond)
		}
		calls := w.server.heardCalls()
		equal(t, "calls", len(calls), 1)
		equal(t, "left", calls[0].At, 2*time.Second)
		equal(t, "with", calls[0].What, "rename 10")
		w.flush()
		equal(t, "then", w.server.heard(), []string{"rename 14 of 1"})
	})
}

func TestLaw05_ADefaultWaitIsNotAboveMaxWait(t *testing.T) {
	opts := patient
	opts.Policy.Debounce.MaxWait = 100 * time.Millisecond
	bothDoors(t, opts, func(t *testing.T, w *world, d door) {
		d.tap("1")
		w.time(time.Minute)
		equal(t, "left at", w.times("1"), []time.Duration{100 * time.Millisecond})
	})
}

func TestLaw05_LeadingEdgeThenTheDifference(t *testing.T) {
	opts := patient
	opts.Policy.Debounce.Leading = true
	bothDoors(t, opts, func(t *testing.T, w *world, d door) {
		w.server.alwaysReply(&reply{before: time.Second})
		d.tap("1") // on: leaves at once
		d.tap("1") // off
		d.tap("1") // on again: nothing to follow up
		w.flush()
		calls := w.server.heardCalls()
		equal(t, "calls", len(calls), 1)
		equal(t, "left", calls[0].At, 0)

		d.tap("2") // on
		d.tap("2") // off
		w.flush()
		equal(t, "calls", w.server.heard(), []string{"like me true of 2", "like me false of 2"})
	})
}

func TestLaw05_PerTypeAndNoneWithoutASlot(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		def := w.renaming("slowly")
		def.Policy.Debounce.Wait = 5 * time.Second
		slowly := Register(w.pages, def)
		do(w, w.comment, "1", "c")
		do(w, slowly, "2", "s")
		do(w, w.rename, "3", "r")
		must(w.m.Execute(w.ctx, w.update("plain", "4", func() func() { return nil })))(t)
		w.time(10 * time.Second)
		equal(t, "left", w.departures(), map[string]time.Duration{
			"comment c": 0, "plain": 0, "rename r": 300 * time.Millisecond, "slowly s": 5 * time.Second,
		})
	})
}

func (w *world) time(d time.Duration) { time.Sleep(d); synctest.Wait() }

func (w *world) departures() map[string]time.Duration {
	all := map[string]time.Duration{}
	for _, c := range w.server.heardCalls() {
		all[c.What] = c.At
	}
	return all
}

func TestLaw06_TheSameWantJoins(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		first := w.set("1", "me", true)
		equal(t, "joined while it waits", w.set("1", "me", true) == first, true)
		w.time(500 * time.Millisecond)
		equal(t, "joined in flight", w.set("1", "me", true) == first, true)
		equal(t, "another user's", w.set("1", "you", true) == first, false)
		equal(t, "pending", w.m.PendingCount("page:1"), 2)
		w.flush()
		equal(t, "calls", w.server.heard(), []string{"like me true of 1", "like you true of 1"})
	})
}

func TestLaw06_NoUserIsNoNameOfOne(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		def := w.likeToggle()
		def.Type = "star"
		def.Get = func(p page, user string) bool { return isFan(p, fmt.Sprintf("%q", user)) }
		def.Set = func(p page, user string, on bool) page { return setFan(p, fmt.Sprintf("%q", user), on) }
		star := RegisterToggle(w.pages, def)
		var all []*Handle
		for _, user := range []string{"", "nobody", "\x00", "\x00\x00"} {
			h := must(star.Set(w.ctx, "1", user, true))(t)
			equal(t, "joined by another user", slices.Contains(all, h), false)
			equal(t, "joined by its own", must(star.Set(w.ctx, "1", user, true))(t) == h, true)
			all = append(all, h)
		}
		w.unsettled(all...)
	})
}

func TestLaw06_ATapThatJoinsIsShown(t *testing.T) {
	for name, answer := range map[string]reply{"confirmed": {}, "refused": {fails: errNever}} {
		t.Run(name, func(t *testing.T) {
			opts := instant
			opts.MaxPending = 1 // joining needs no room
			inWorld(t, opts, func(t *testing.T, w *world) {
				answer.before = time.Second
				w.server.next("1", answer)
				first := must(w.m.ExecuteToggle(w.ctx, w.toggle("1")))(t)
				synctest.Wait()
				w.setScreen("1", false) // the program shows what it read before
				sub := w.m.Subscribe(SubscribeOptions{})
				equal(t, "joined", must(w.m.ExecuteToggle(w.ctx, w.toggle("1")))(t) == first, true)
				equal(t, "shown", w.onScreen("1"), true)
				equal(t, "told", kindsOf(events(sub, event.Changed)), []event.Kind{event.Changed})
				w.flush()
				equal(t, "shown", w.onScreen("1"), w.server.likes("1"))
				equal(t, "calls", len(w.server.heard()), 1)
			})
		})
	}
}

func TestLaw06_UpdatesWithTheSameWantJoin(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		applied := 0
		u := w.update("follow", "1", func() func() { applied++; return func() { applied-- } })
		u.Slot, u.Want = "me", "following"
		first := must(w.m.Execute(w.ctx, u))(t)
		equal(t, "joined", must(w.m.Execute(w.ctx, u))(t) == first, true)
		equal(t, "applied", applied, 1)
		w.flush()
		equal(t, "calls", w.server.heard(), []string{"follow of 1"})
		equal(t, "callbacks", w.noted(), []string{"success of follow screen:1", "success of follow screen:1"})
	})
}

// An update of another type does something else, whatever it wants of the slot.
func TestLaw06_UpdatesOfAnotherTypeDoNotJoin(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second})
		var last *Handle
		for _, typ := range []string{"like", "save"} {
			u := w.update(typ, "1", func() func() { return nil })
			u.Slot, u.Want = "me", true
			last = must(w.m.Execute(w.ctx, u))(t)
			synctest.Wait()
		}
		w.flush()
		equal(t, "type", last.Type(), "save")
		equal(t, "calls", w.server.heard(), []string{"like of 1", "save of 1"})
	})
}

// A slot of an update is shared by all types: it names the piece of state.
func TestLaw07_ASlotNamesWhatIsWritten(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		write := func(typ, slot string) *Handle {
			u := w.update(typ, "1", func() func() { return nil })
			u.Slot = slot
			return must(w.m.Execute(w.ctx, u))(t)
		}
		like, save, unlike := write("like", "like/u7"), write("save", "save/u7"), write("unlike", "like/u7")
		w.flush()
		equal(t, "successor", w.outcome(like, Superseded).Successor == unlike, true)
		w.outcome(save, Confirmed)
		w.outcome(unlike, Confirmed)
	})
}

func TestLaw07_TheNewerReplacesTheUnsent(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		first := do(w, w.rename, "1", "a")
		second := do(w, w.rename, "1", "b")
		r := w.outcome(first, Superseded)
		equal(t, "successor", r.Successor == second, true)
		equal(t, "calls, error", [2]any{r.Calls, r.Err}, [2]any{0, nil})
		equal(t, "pending", w.m.PendingCount("page:1"), 1)
		equal(t, "shown", w.view("1").Title, "b")
		w.flush()
		equal(t, "calls", w.server.heard(), []string{"rename b of 1"})
		equal(t, "callbacks", w.noted(), []string{"success of rename page:1"})
	})
}

func TestLaw07_ClosuresToo(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		title := ""
		rename := func(to string) *Handle {
			u := w.update("rename "+to, "1", func() func() {
				was := title
				title = to
				return func() { title = was }
			})
			u.Slot = "title"
			return must(w.m.Execute(w.ctx, u))(t)
		}
		w.server.always = &reply{fails: errNever}
		first, second := rename("a"), rename("b")
		equal(t, "successor", w.outcome(first, Superseded).Successor == second, true)
		equal(t, "shown", title, "b")
		w.flush()
		equal(t, "after the failure of b", title, "") // what a did is undone with it
		equal(t, "calls", w.server.heard(), []string{"rename b of 1"})
	})
}

func TestLaw07_BarriersAreNotCrossed(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		def := w.renaming("publish")
		def.Barrier = true
		publish := Register(w.pages, def)
		first := do(w, w.rename, "1", "a")
		do(w, publish, "1", "p")
		do(w, w.rename, "1", "b")
		w.unsettled(first)
		w.flush()
		equal(t, "calls", w.server.heard(), []string{"rename a of 1", "publish p of 1", "rename b of 1"})
	})
}

func TestLaw08_NetZeroIsNoCall(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		for taps := 2; taps <= 6; taps += 2 {
			var last *Handle
			for range taps {
				last = d.tap("1")
			}
			r := w.outcome(last, Confirmed) // at once
			equal(t, "calls of it", r.Calls, 0)
			equal(t, "pending", w.m.HasPending(d.entity("1")), false)
			equal(t, "shown", d.shown("1"), false)
		}
		w.time(time.Minute)
		equal(t, "calls", len(w.server.heard()), 0)
	})
}

func TestLaw08_WhatAFlightBringsAboutIsJoined(t *testing.T) {
	for _, fails := range []error{nil, errNever} {
		bothDoors(t, patient, func(t *testing.T, w *world, d door) {
			w.server.next("1", reply{before: time.Second, fails: fails})
			first := d.tap("1")
			w.time(500 * time.Millisecond)
			second := d.tap("1") // off
			third := d.tap("1")  // on again, which is under way
			equal(t, "joined", third == first, true)
			w.outcome(second, Superseded)
			w.flush()
			if fails == nil {
				w.outcome(third, Confirmed)
			} else {
				w.outcome(third, RolledBack)
			}
			equal(t, "calls", len(w.server.heard()), 1)
			equal(t, "shown", d.shown("1"), w.server.likes("1"))
		})
	}
}

// What only a pending operation of another kind brings about is not there yet.
func TestLaw08_OnlyTruthMakesASendUnnecessary(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second, fails: errNever})
		group := must(w.swap().Execute(w.ctx, [2]string{"1", "2"}))(t)
		equal(t, "shown", w.view("1").Title, "like 2")
		h := do(w, w.rename, "1", "like 2")
		w.unsettled(h)
		w.flush()
		w.outcome(group, RolledBack)
		w.outcome(h, Confirmed)
		equal(t, "shown", w.view("1").Title, "like 2")
		w.settledTruth("1")
	})
}

func TestLaw09_AnyNumberOfTapsDuringAFlightAreOneMoreSend(t *testing.T) {
	for taps := range 7 {
		bothDoors(t, patient, func(t *testing.T, w *world, d door) {
			w.server.alwaysReply(&reply{before: time.Second})
			d.tap("1")
			w.time(500 * time.Millisecond)
			for range taps {
				d.tap("1")
			}
			wanted := d.shown("1")
			w.flush()
			equal(t, "calls", len(w.server.heard()), 1+taps%2)
			equal(t, "on the server", w.server.likes("1"), wanted)
			equal(t, "shown", d.shown("1"), wanted)
		})
	}
}

func TestLaw09_NoSendWhenTheOutcomeAgrees(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{before: time.Second, fails: errNever})
		d.tap("1") // on, which will fail
		w.time(500 * time.Millisecond)
		off := d.tap("1")
		w.flush()
		r := w.outcome(off, Confirmed)
		equal(t, "calls of it", r.Calls, 0)
		equal(t, "calls", len(w.server.heard()), 1)
		equal(t, "shown", d.shown("1"), false)
	})
}

func TestLaw09_LastIntentWinsOnABadNetwork(t *testing.T) {
	for seed := range uint64(40) {
		bothDoors(t, Options{}, func(t *testing.T, w *world, d door) {
			random := rand.New(rand.NewPCG(seed, 9))
			for range 200 {
				r := reply{before: time.Duration(random.IntN(900)) * time.Millisecond}
				switch random.IntN(5) {
				case 0:
					r.lost = true
				case 1:
					r.fails = Fail(Offline, errBusy)
				}
				w.server.next("1", r)
			}
			for range 12 {
				d.tap("1")
				time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
			}
			wanted := d.shown("1")
			w.flush()
			equal(t, "on the server", w.server.likes("1"), wanted)
			equal(t, "shown", d.shown("1"), wanted)
		})
	}
}

// The table of MergeRule, on one page as document.
func (w *world) document() (create, edit *Action[page, string], remove *Action[page, struct{}]) {
	def := w.creating()
	def.Type, def.Family, def.Slot = "draft", "document", func(string) string { return "document" }
	create = Register(w.pages, def)
	def = w.renaming("edit")
	def.Family, def.Slot = "document", func(string) string { return "document" }
	edit = Register(w.pages, def)
	gone := w.removing()
	gone.Type, gone.Family, gone.Barrier = "drop", "document", false
	gone.Slot = func(struct{}) string { return "document" }
	remove = Register(w.pages, gone)
	Merge(create, edit, func(c, e *string) MergeRule { *c = *e; return TakeFirst })
	Merge(create, remove, func(*string, *struct{}) MergeRule { return Annihilate })
	Merge(edit, remove, func(*string, *struct{}) MergeRule { return TakeSecond })
	Merge(remove, create, func(*struct{}, *string) MergeRule { return Separate })
	return create, edit, remove
}
