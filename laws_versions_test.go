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
