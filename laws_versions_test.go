package optimist

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A list that says no versions lies between two truths of one version.
func TestLaw15_TruthOfTheVersionHeldReplacesAnUnversionedRead(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		v8 := w.server.put("1", page{Fans: "me"})
		w.receive("1", v8)
		w.receive("1", TruthOf(page{}, 0)) // of an old list
		equal(t, "the list is shown", w.view("1"), page{})
		w.receive("1", TruthOf(page{Title: "older"}, v8.Version-1))
		equal(t, "the version held stays the floor", w.view("1"), page{})
		w.receive("1", v8)
		equal(t, "shown again", w.view("1"), page{Fans: "me"})
		w.receive("1", TruthOf(page{Title: "another"}, v8.Version))
		equal(t, "the same version again is nothing new", w.view("1"), page{Fans: "me"})
	})
}

func TestLaw15_NotWhereAnOperationWasConfirmedSince(t *testing.T) {
	for name, answer := range map[string]reply{"mute": {mute: true}, "cancelled": {before: time.Second, mute: true}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				v8 := w.server.put("1", page{})
				w.receive("1", v8)
				w.receive("1", TruthOf(page{Title: "list"}, 0))
				w.server.next("1", answer)
				h := w.tap("1", "me")
				if synctest.Wait(); answer.before > 0 {
					is(t, h.Cancel(), nil)
				}
				w.time(time.Minute)
				w.receive("1", v8)
				equal(t, "shown", w.view("1"), page{Title: "list", Fans: "me"})
				w.receive("1", w.server.truth("1"))
				w.settledTruth("1")
			})
		})
	}
}

// An answer is no read, also when it says no version.
func TestLaw15_AnUnversionedAnswerIsNotReplaced(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		held := w.server.truth("1")
		def := w.renaming("retitle")
		def.Send = func(context.Context, Call[string]) (Truth[page], error) { return TruthOf(page{Title: "x"}, 0), nil }
		do(w, Register(w.pages, def), "1", "x")
		w.flush()
		w.receive("1", held)
		equal(t, "shown", w.view("1").Title, "x")
	})
}

// The server names an operation of which this client does not know that it has left.
func TestLaw15_TruthThatNamesAnOperationThatHasNotLeftContainsIt(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		def := w.renamingApart("append")
		def.Policy.Debounce = Debounce{Wait: time.Minute, MaxWait: time.Minute}
		h := do(w, Register(w.pages, def), "1", "x")
		equal(t, "shown", w.view("1").Title, "x")
		truth := w.server.put("1", page{Title: "x"})
		truth.Contains = []string{h.ID()}
		w.receive("1", truth)
		equal(t, "shown", w.view("1").Title, "x")
		equal(t, "calls", w.outcome(h, Confirmed).Calls, 0)
		w.flush()
		equal(t, "calls", w.server.heard(), nil)
		w.settledTruth("1")
	})
}

func TestLaw15_AGroupIsNotCountedTwiceWhereTruthNamesIt(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		g := RegisterGroup(w.m, Group[string]{
			Type: "both",
			Parts: func(text string) []Part {
				add := func(p page) (page, error) { p.Title += text; return p, nil }
				return []Part{w.pages.Part("1", add), w.pages.Part("2", add)}
			},
			Send: func(ctx context.Context, c Call[string]) ([]EntityTruth, error) {
				w.server.put("1", page{Title: c.Args})
				w.server.put("2", page{Title: c.Args})
				<-ctx.Done() // nobody hears of it
				return nil, ctx.Err()
			},
		})
		h := must(g.Execute(w.ctx, "x"))(t)
		w.server.next("1", reply{after: time.Second}) // what is shown is looked at before
		after := do(w, Register(w.pages, w.renamingApart("append")), "1", "y")
		synctest.Wait()
		told := func(id string) {
			truth := w.server.truth(id)
			truth.Contains = []string{h.ID()}
			w.receive(id, truth)
		}
		told("1")
		equal(t, "told", w.view("1").Title, "xy")
		equal(t, "not told", w.view("2").Title, "x")
		w.unsettled(h, after)
		told("2")
		equal(t, "both", [2]string{w.view("1").Title, w.view("2").Title}, [2]string{"xy", "x"})
		w.outcome(h, Confirmed)
		w.flush()
		w.outcome(after, Confirmed)
	})
}

// What is told of one entity and taken back is on the server.
func TestLaw49_AGroupThatTruthNamesAndIsTakenBackLeavesDoubtOnlyElsewhere(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		is(t, w.m.SetOnline(false), nil)
		g := RegisterGroup(w.m, Group[string]{
			Type: "both",
			Parts: func(text string) []Part {
				add := func(p page) (page, error) { p.Title += text; return p, nil }
				return []Part{w.pages.Part("1", add), w.pages.Part("2", add)}
			},
			Send: func(context.Context, Call[string]) ([]EntityTruth, error) { return nil, nil },
		})
		h := must(g.Execute(w.ctx, "x"))(t)
		truth := w.server.put("1", page{Title: "x"})
		truth.Contains = []string{h.ID()}
		w.receive("1", truth)
		is(t, h.Cancel(), nil)
		equal(t, "shown", [2]string{w.view("1").Title, w.view("2").Title}, [2]string{"x", ""})
		equal(t, "unsure", [2]bool{w.pages.View("1").Unsure, w.pages.View("2").Unsure}, [2]bool{false, true})
	})
}

// What is held since the server has done an operation is later than its version says.
func TestLaw15_WhatAnOperationWasConfirmedIntoIsLaterThanItsVersion(t *testing.T) {
	both := func(w *world, wrote uint64) {
		g := RegisterGroup(w.m, Group[string]{
			Type: "both",
			Parts: func(title string) []Part {
				set := func(p page) (page, error) { p.Title = title; return p, nil }
				return []Part{w.pages.Part("2", set), w.pages.Part("1", set)}
			},
			Send: func(context.Context, Call[string]) ([]EntityTruth, error) {
				early := w.server.truth("1")
				if early.Wrote = early.Version + wrote; wrote == 0 {
					return nil, nil
				}
				return []EntityTruth{w.pages.EntityTruth("1", early)}, nil
			},
		})
		must(g.Execute(w.ctx, "x"))(w.T)
	}
	for name, c := range map[string]struct {
		do    func(w *world)
		newer uint64 // than the version held, and older than the write
	}{
		"mute": {func(w *world) {
			w.server.next("1", reply{mute: true})
			do(w, w.rename, "1", "x")
		}, 0},
		"a group":              {func(w *world) { both(w, 0) }, 0},
		"a group, early":       {func(w *world) { both(w, 1) }, 0},
		"a group, far earlier": {func(w *world) { both(w, 4) }, 3},
		"named by a list": {func(w *world) {
			w.server.next("1", reply{lost: true})
			h := do(w, w.rename, "1", "x")
			synctest.Wait()
			w.receive("1", Truth[page]{Presence: Present, Value: page{Title: "x"}, Contains: []string{h.ID()}})
			w.outcome(h, Confirmed)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				held := w.server.truth("1")
				c.do(w)
				w.time(time.Second)
				equal(t, "shown", w.view("1").Title, "x")
				w.receive("1", TruthOf(page{Title: "x", Fans: "list"}, 0))
				for version := held.Version; version <= held.Version+c.newer; version++ {
					w.receive("1", TruthOf(held.Value, version))
					equal(t, "shown", w.view("1"), page{Title: "x", Fans: "list"})
				}
				w.receive("1", TruthOf(page{Title: "y"}, held.Version+c.newer+1))
				equal(t, "shown", w.view("1").Title, "y")
			})
		})
	}
}

// Truth can name what was taken back: its answer, which says no more, comes after it.
func TestLaw15_TruthThatNamesWhatWasTakenBackIsNotChangedByItsAnswer(t *testing.T) {
	for name, fails := range map[string]error{"mute": nil, "broken": errBusy} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				w.server.next("1", reply{after: time.Second, mute: true, breaks: fails})
				h := do(w, w.rename, "1", "mine")
				synctest.Wait()
				is(t, h.Cancel(), nil)
				theirs := w.server.put("1", page{Title: "theirs"})
				theirs.Contains = []string{h.ID()}
				w.receive("1", theirs)
				w.time(time.Minute)
				equal(t, "shown", w.view("1").Title, "theirs")
				equal(t, "unsure", w.pages.View("1").Unsure, false)
			})
		})
	}
}

// An answer that tells the version of the write, and no value, says from when on truth has the
// operation: also for a group, and also when the operation was taken back meanwhile.
func TestLaw15_TruthFromBeforeAWriteOfAToldVersionIsOlder(t *testing.T) {
	for name, row := range map[string]struct {
		cancel, group bool
		pushed        uint64 // before the answer; 0: nothing
	}{
		"taken back":                     {cancel: true},
		"of a group":                     {group: true},
		"of a group that was taken back": {cancel: true, group: true},
		"held already, of a group":       {group: true, pushed: 9},
		"held already, taken back":       {cancel: true, group: true, pushed: 9},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				var h *Handle
				titled := func(p page) (page, error) { p.Title = "mine"; return p, nil }
				if row.group {
					h = must(RegisterGroup(w.m, Group[string]{
						Type:  "both",
						Parts: func(string) []Part { return []Part{w.pages.Part("1", titled), w.pages.Part("2", titled)} },
						Send: func(context.Context, Call[string]) ([]EntityTruth, error) {
							time.Sleep(time.Second)
							told := AcceptedAt[page](8)
							return []EntityTruth{w.pages.EntityTruth("1", told), w.pages.EntityTruth("2", told)}, nil
						},
					}).Execute(w.ctx, ""))(t)
				} else {
					def := w.renaming("one")
					def.Send = func(context.Context, Call[string]) (Truth[page], error) {
						time.Sleep(time.Second)
						return AcceptedAt[page](8), nil
					}
					h = do(w, Register(w.pages, def), "1", "mine")
				}
				w.time(time.Millisecond)
				if row.cancel {
					is(t, h.Cancel(), nil)
				}
				if row.pushed > 0 {
					w.receive("1", TruthOf(page{Title: "theirs"}, row.pushed))
				}
				w.time(time.Second)
				if row.pushed > 0 {
					equal(t, "later truth has it, and another change", w.view("1").Title, "theirs")
					return
				}
				equal(t, "the server has it", w.view("1").Title, "mine")
				w.receive("1", TruthOf(page{Fans: "you"}, 7))
				equal(t, "a push that left the server before", w.view("1"), page{Title: "mine"})
				w.receive("1", TruthOf(page{Title: "mine", Fans: "you"}, 8))
				equal(t, "the awaited one", w.view("1"), page{Title: "mine", Fans: "you"})
				w.flush()
			})
		})
	}
}
