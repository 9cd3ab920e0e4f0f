package optimist

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

func TestLaw15_OlderTruthChangesNothing(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		old := w.server.put("1", page{Title: "old"})
		w.receive("1", w.server.put("1", page{Title: "new"}))
		sub := w.m.Subscribe(SubscribeOptions{})
		before := w.pages.View("1")
		w.receive("1", old)
		equal(t, "after a push", w.pages.View("1"), before)
		is(t, w.pages.Refresh(w.ctx, "1", func(context.Context) (Truth[page], error) { return old, nil }), nil)
		equal(t, "after a refetch", w.pages.View("1"), before)
		w.receive("1", w.server.truth("1"))
		equal(t, "after the same again", w.pages.View("1"), before)
		w.receive("1", Gone[page](1))
		equal(t, "after an old deletion", w.pages.View("1"), before)
		equal(t, "events", kindsOf(events(sub)), []event.Kind{event.Started, event.TruthStale, event.TruthStale, event.TruthStale})
	})
}

func TestLaw15_AnAnswerOlderThanAPushChangesNothing(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: time.Second})
		h := w.tap("1", "me") // done at once, answered later
		synctest.Wait()
		w.receive("1", w.server.put("1", page{Fans: "me", Title: "newer"}))
		equal(t, "pushed", w.view("1"), page{Fans: "me", Title: "newer"})
		w.flush()
		w.outcome(h, Confirmed)
		equal(t, "after the answer", w.view("1"), page{Fans: "me", Title: "newer"})
		w.settledTruth("1")
	})
}

func TestLaw15_APushThatContainsAnOperationDoesNotCountItTwice(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		appending := Register(w.pages, w.renamingApart("append")) // counts, if it is applied twice
		w.server.next("1", reply{lost: true})
		h := do(w, appending, "1", "x")
		synctest.Wait()
		truth := w.server.put("1", page{Title: "x"})
		truth.Contains = []string{"somebody else's", h.ID()}
		w.receive("1", truth)
		equal(t, "shown", w.view("1").Title, "x")
		w.outcome(h, Confirmed)
		w.flush()
		equal(t, "shown at the end", w.view("1").Title, "x")
	})
}

func TestLaw15_AReadThatBeganBeforeASettlementChangesNothing(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		load := func(took time.Duration) error {
			return w.pages.Refresh(w.ctx, "1", func(context.Context) (Truth[page], error) {
				found := w.server.truth("1")
				time.Sleep(took)
				return TruthOf(found.Value, 0), nil
			})
		}
		w.server.next("1", reply{before: time.Second, mute: true})
		w.tap("1", "me")
		is(t, load(2*time.Second), nil) // the like settles meanwhile
		equal(t, "shown", w.view("1").Fans, "me")
		is(t, load(time.Second), nil)
		equal(t, "shown", w.view("1").Fans, "me")
		w.server.put("1", page{Title: "fresh"})
		is(t, load(time.Second), nil)
		equal(t, "a fresh read", w.view("1"), page{Title: "fresh"})
	})
}

// The first read of a page is too old as well, if something settled meanwhile.
func TestLaw15_AFirstReadThatIsTooOldIsReadAgain(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.put("far", page{Title: "far"})
		w.server.next("far", reply{mute: true})
		reads := 0
		go w.pages.Refresh(w.ctx, "far", func(context.Context) (Truth[page], error) {
			reads++
			found := w.server.truth("far")
			time.Sleep(time.Second)
			return TruthOf(found.Value, 0), nil
		})
		w.time(500 * time.Millisecond)
		w.set("far", "me", true)
		w.time(5 * time.Second)
		equal(t, "shown", w.view("far"), page{Title: "far", Fans: "me"})
		equal(t, "reads", reads, 2)
	})
}

// No view is ever shown that neither the user nor the server asked for.
// A cache may date what it has, and say the same each time.
func TestLaw15_AFirstReadThatDatesItselfTooOldIsNotReadAgain(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{Entity: "page:far"}) // keeps what is known of it
		defer sub.Close()
		old := time.Now()
		w.time(time.Second)
		w.server.next("far", reply{mute: true})
		do(w, w.comment, "far", "x")
		w.flush()
		reads := 0
		err := w.pages.Refresh(w.ctx, "far", func(context.Context) (Truth[page], error) {
			if reads++; reads > 100 {
				return Truth[page]{}, errNo
			}
			return Truth[page]{Presence: Present, ReadAt: old}, nil
		})
		is(t, err, ErrNotLoaded)
		equal(t, "reads", reads, 1)
		equal(t, "stale", len(events(sub, event.TruthStale)), 1)
	})
}

func TestLaw15_AReadThatBeganBeforeALateAnswerChangesNothing(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: 2 * time.Second, mute: true})
		h := w.tap("1", "me")
		w.time(time.Second)
		is(t, h.Cancel(), nil)
		is(t, w.pages.Refresh(w.ctx, "1", func(context.Context) (Truth[page], error) {
			read := w.server.truth("1") // the server has not got the like yet
			read.Version = 0
			time.Sleep(5 * time.Second)
			return read, nil
		}), nil)
		equal(t, "on the server", w.server.likes("1"), true)
		equal(t, "shown", isFan(w.view("1"), "me"), true)
	})
}

func TestLaw16_NoFlicker(t *testing.T) {
	for name, r := range map[string]reply{
		"answer with truth":   {before: time.Second},
		"answer with version": {before: time.Second, terse: true},
		"answer with nothing": {before: time.Second, mute: true},
		"late answer":         {after: 5 * time.Second},
		"lost answer":         {lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				sub := w.m.Subscribe(SubscribeOptions{Entity: "page:1"})
				w.server.next("1", r)
				h := w.tap("1", "me")
				w.time(3 * time.Second)
				w.receive("1", w.server.truth("1")) // the push comes as well
				w.flush()
				w.outcome(h, Confirmed)
				equal(t, "shown", changes(events(sub)), []page{{Fans: "me"}})
				w.settledTruth("1")
			})
		})
	}
}

func TestLaw16_AVersionKeepsTheOperationUntilItsTruthComes(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.put("1", page{Title: "unseen"})
		w.server.next("1", reply{terse: true})
		h := w.tap("1", "me")
		is(t, h.Await(w.ctx, Acknowledged), nil)
		equal(t, "state", h.State(), Acked)
		between := w.server.truth("1")
		between.Version--
		between.Value = page{Title: "unseen"}
		w.receive("1", between)
		equal(t, "newer, without it", w.view("1"), page{Title: "unseen", Fans: "me"})
		w.unsettled(h)
		w.receive("1", w.server.truth("1"))
		w.outcome(h, Confirmed)
		w.settledTruth("1")
	})
}

func TestLaw16_TruthOfTheVersionMayComeFirst(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{after: time.Second, terse: true})
		h := w.tap("1", "me")
		synctest.Wait()
		w.receive("1", w.server.truth("1"))
		w.unsettled(h)
		w.flush()
		w.outcome(h, Confirmed)
		w.settledTruth("1")
	})
}

func conflict(err error) reply { return reply{fails: Fail(Conflicting, err)} }

func TestLaw17_AResolverSeesBothSides(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("resolving")
		var seen Conflict[page, string]
		def.Resolve = func(c Conflict[page, string]) Decision[string] { seen = c; return c.TakeTheirs() }
		base := w.pages.View("1").Version
		time.Sleep(time.Second)
		theirs := w.server.put("1", page{Title: "theirs"})
		w.server.next("1", conflict(errNo))
		h := do(w, Register(w.pages, def), "1", "mine")
		w.flush()
		want := Conflict[page, string]{
			Entity: "1", Args: "mine", Mine: page{Title: "mine"}, Theirs: page{Title: "theirs"},
			BasePresence: Present, TheirsPresence: Present, BaseVersion: base, TheirsVersion: theirs.Version,
			MineAt: h.Timestamp(), TheirsAt: theirs.At, MineBy: w.m.ClientID(), TheirsBy: "somebody else",
			Err: seen.Err,
		}
		equal(t, "seen", seen, want)
		is(t, seen.Err, errNo)
	})
}

func TestLaw17_BaseIsWhatTheAttemptLeftOn(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var seen Conflict[page, string]
		def := w.renaming("retitle")
		def.Resolve = func(c Conflict[page, string]) Decision[string] { seen = c; return c.TakeTheirs() }
		retitle := Register(w.pages, def)
		before := w.pages.View("1").Version
		w.server.next("1", reply{before: 2 * time.Second, fails: Fail(Conflicting, errNo)})
		do(w, retitle, "1", "mine")
		w.time(time.Second)
		w.receive("1", w.server.put("1", page{Title: "theirs"}))
		w.time(time.Minute)
		equal(t, "base", seen.Base.Title, "")
		equal(t, "version of it", seen.BaseVersion, before)
		equal(t, "mine", seen.Mine.Title, "mine")
		equal(t, "theirs", seen.Theirs.Title, "theirs")
	})
}

func TestLaw17_Decisions(t *testing.T) {
	for name, row := range map[string]struct {
		resolve func(Conflict[page, string]) Decision[string]
		outcome Outcome
		how     Resolution
		shown   string
		calls   []string
	}{
		"keep mine":   {Conflict[page, string].KeepMine, Confirmed, KeptMine, "mine", []string{"edit mine of 1", "edit mine of 1"}},
		"take theirs": {Conflict[page, string].TakeTheirs, RolledBack, TookTheirs, "theirs", []string{"edit mine of 1"}},
		"merge": {func(c Conflict[page, string]) Decision[string] { return c.Merge(c.Args + "+" + c.Theirs.Title) },
			Superseded, MergedBoth, "mine+theirs", []string{"edit mine of 1", "edit mine+theirs of 1"}},
		"fail":         {func(c Conflict[page, string]) Decision[string] { return c.Fail(errBusy) }, RolledBack, Refused, "theirs", []string{"edit mine of 1"}},
		"panic":        {func(Conflict[page, string]) Decision[string] { panic("boom") }, RolledBack, Refused, "theirs", []string{"edit mine of 1"}},
		"default":      {nil, Confirmed, KeptMine, "mine", []string{"edit mine of 1", "edit mine of 1"}}, // ours is later
		"last writer":  {LastWriterWins[page, string], Confirmed, KeptMine, "mine", []string{"edit mine of 1", "edit mine of 1"}},
		"server wins":  {ServerWins[page, string], RolledBack, TookTheirs, "theirs", []string{"edit mine of 1"}},
		"client wins":  {ClientWins[page, string], Confirmed, KeptMine, "mine", []string{"edit mine of 1", "edit mine of 1"}},
		"zero verdict": {func(Conflict[page, string]) Decision[string] { return Decision[string]{} }, RolledBack, Refused, "theirs", []string{"edit mine of 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				def := w.renaming("edit")
				def.Resolve = row.resolve
				edit := Register(w.pages, def)
				w.server.put("1", page{Title: "theirs"})
				time.Sleep(time.Second)
				w.server.next("1", conflict(errNo))
				sub := w.m.Subscribe(SubscribeOptions{})
				h := do(w, edit, "1", "mine")
				w.flush()
				r := w.outcome(h, row.outcome)
				equal(t, "how", r.Conflict, row.how)
				equal(t, "shown", w.view("1").Title, row.shown)
				equal(t, "calls", w.server.heard(), row.calls)
				equal(t, "told", events(sub, event.Conflicted)[0].Resolution, row.how)
				if row.how == MergedBoth {
					equal(t, "the merged one", w.outcome(r.Successor, Confirmed).Conflict, MergedBoth)
					if r.Successor.ID() == h.ID() || r.Successor.Timestamp() <= h.Timestamp() {
						t.Error("the merged operation has no key and timestamp of its own")
					}
				}
				w.settledTruth("1")
			})
		})
	}
}

func TestLaw17_TheLaterWriterWinsAndTiesGoByClient(t *testing.T) {
	at := func(n Timestamp) Conflict[page, string] {
		return Conflict[page, string]{MineAt: 10, TheirsAt: n, MineBy: "b", TheirsPresence: Present}
	}
	for _, row := range []struct {
		theirs Timestamp
		by     string
		mine   bool
	}{{9, "z", true}, {11, "a", false}, {10, "a", true}, {10, "c", false}, {0, "a", false}} {
		c := at(row.theirs)
		c.TheirsBy = row.by
		equal(t, fmt.Sprintf("theirs at %d by %s", row.theirs, row.by), c.MineIsLater(), row.mine)
	}
}

func TestLaw17_AlreadySoIsSuccess(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.put("1", page{Fans: "me", Title: "theirs"})
		w.server.next("1", conflict(errNo))
		h := w.tap("1", "me")
		w.flush()
		r := w.outcome(h, Confirmed)
		equal(t, "how", r.Conflict, AlreadySo)
		equal(t, "success", r.Success(), true)
		w.settledTruth("1")
	})
}

func TestLaw17_KeepingMineIsBounded(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("edit")
		def.Resolve = ClientWins[page, string]
		w.server.put("1", page{Title: "theirs"})
		w.server.next("1", slices.Repeat([]reply{conflict(errNo)}, 10)...)
		h := do(w, Register(w.pages, def), "1", "mine")
		w.flush()
		equal(t, "calls", w.outcome(h, RolledBack).Calls, 4)
		equal(t, "how", w.result(h).Conflict, Refused)
		equal(t, "shown", w.view("1").Title, "theirs")
		w.server.script["1"] = nil
	})
}

func TestLaw17_AToggleOfTheOtherDoorGoesWhereTheServerIs(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		u := w.toggle("1")
		u.Send = func(context.Context, bool) (bool, error) { time.Sleep(time.Second); return false, nil }
		var told []bool
		u.OnChange = func(on bool, _ Result) { told = append(told, on) }
		h := must(w.m.ExecuteToggle(w.ctx, u))(t)
		equal(t, "shown", w.onScreen("1"), true)
		w.flush()
		r := w.outcome(h, Confirmed)
		equal(t, "how, success", [2]any{r.Conflict, r.Success()}, [2]any{TookTheirs, false})
		equal(t, "shown", w.onScreen("1"), false)
		equal(t, "told", told, []bool{false})
	})
}
