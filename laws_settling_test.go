package optimist

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

func TestLaw19_AsIfItHadNeverBeen(t *testing.T) {
	for failing := range 5 { // which of five operations fails
		inWorld(t, instant, func(t *testing.T, w *world) {
			var want page
			for i := range 5 {
				r := reply{before: time.Second}
				text := fmt.Sprint(i)
				if i == failing {
					r.fails = errNever
				} else {
					want.Title += text
				}
				w.server.next("1", r)
				def := w.renamingApart("append" + text)
				def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) {
					return w.server.serve(ctx, asksOf(c, "append "+c.Args, func(p page, there bool) (page, bool) { p.Title += c.Args; return p, there }))
				}
				do(w, Register(w.pages, def), "1", text)
			}
			equal(t, "shown at first", w.view("1").Title, "01234")
			w.flush()
			equal(t, "shown", w.view("1"), want)
			w.settledTruth("1")
		})
	}
}

func TestLaw19_DependentsAndBrokenGuardsGoWithItInOneStep(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second}, reply{before: time.Second, fails: errNever})
		before := do(w, w.comment, "1", "kept")
		cause := do(w, w.comment, "1", "c")
		guarded := do(w, w.uncomment, "1", "c") // its guard needs c
		answer := do(w, w.comment, "1", "answer", cause)
		dependent := do(w, w.rename, "2", "about c", cause)
		second := do(w, w.comment, "2", "about that", dependent)
		survivor := do(w, w.comment, "1", "later")
		sub := w.m.Subscribe(SubscribeOptions{})
		w.time(1500 * time.Millisecond) // the first call is over
		events(sub)
		w.time(time.Second)

		all := events(sub)
		rolled := slices.DeleteFunc(slices.Clone(all), func(ev Event) bool { return ev.Kind != event.RolledBack })
		equal(t, "events", len(rolled), 1)
		var victims []string
		for _, v := range rolled[0].Victims {
			victims = append(victims, fmt.Sprintf("%s %s", v.ID, v.Cause))
		}
		equal(t, "victims, last first, and why", victims, []string{
			second.ID() + " " + dependent.ID(), dependent.ID() + " " + cause.ID(), answer.ID() + " " + cause.ID(),
			guarded.ID() + " " + cause.ID(), cause.ID() + " ",
		})
		equal(t, "cause", [2]any{rolled[0].ID, errors.Is(rolled[0].Err, errNo)}, [2]any{cause.ID(), true})
		var entities []string
		for _, ev := range all {
			if ev.Kind == event.Changed {
				entities = append(entities, ev.Entity)
			}
		}
		slices.Sort(entities)
		equal(t, "changes", entities, []string{"page:1", "page:2"})

		w.flush()
		w.outcome(before, Confirmed)
		w.outcome(survivor, Confirmed)
		is(t, w.outcome(cause, RolledBack).Err, errNo)
		is(t, w.outcome(guarded, RolledBack).Err, ErrGuard)
		is(t, w.outcome(dependent, RolledBack).Err, ErrDependency)
		is(t, w.outcome(second, RolledBack).Err, ErrDependency)
		for _, said := range []string{"comment of page:1 (" + cause.ID() + ")", errNo.Error()} {
			if text := w.result(dependent).Err.Error(); !strings.Contains(text, said) {
				t.Errorf("%q does not name the cause, %q", text, said)
			}
		}
		equal(t, "shown", w.view("1").Comments, "kept later")
		equal(t, "calls", w.server.heard(), []string{"comment kept of 1", "comment c of 1", "comment later of 1"})
		w.settledTruth("1")
		w.settledTruth("2")
	})
}

func TestLaw19_ADependentWaitsForWhatItDependsOn(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: 5 * time.Second})
		first := do(w, w.comment, "1", "c")
		do(w, w.comment, "2", "about c", first)
		do(w, w.comment, "3", "of its own")
		w.flush()
		equal(t, "left", w.departures(), map[string]time.Duration{
			"comment c": 0, "comment about c": 5 * time.Second, "comment of its own": 0,
		})
		_, err := w.rename.Execute(w.ctx, "1", "x", w.failed())
		is(t, err, ErrDependency)
		equal(t, "shown", w.view("1").Title, "")
	})
}

// failed is an operation that was rolled back.
func (w *world) failed() *Handle {
	w.server.next("9", reply{fails: errNever})
	h := do(w, w.comment, "9", "failed")
	w.outcome(h, RolledBack)
	return h
}

// What a chain of closures does to the screen, and undoes, and does again.
func TestLaw19_ClosuresAreUndoneLastFirstAndSurvivorsAppliedAgain(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var log []string
		var screen []string
		push := func(name string) *Handle {
			return must(w.m.Execute(w.ctx, w.update(name, "1", func() func() {
				log = append(log, "+"+name)
				screen = append(screen, name)
				return func() {
					log = append(log, "-"+name)
					equal(t, "undone", screen[len(screen)-1], name)
					screen = screen[:len(screen)-1]
				}
			})))(t)
		}
		w.server.next("1", reply{before: time.Second}, reply{before: time.Second, fails: errNever})
		push("a")
		b := push("b")
		push("c")
		push("d")
		w.flush()
		w.outcome(b, RolledBack)
		equal(t, "log", strings.Join(log, ""), "+a+b+c+d-d-c-b+c+d")
		equal(t, "screen", screen, []string{"a", "c", "d"})
		equal(t, "logs kept", closureLogs(w.m), 0)
	})
}

func TestLaw20_RevertIsTheDefault(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		w.server.next("1", reply{fails: errNever})
		h := d.tap("1")
		w.flush()
		is(t, w.outcome(h, RolledBack).Err, errNo)
		equal(t, "shown", d.shown("1"), false)
	})
}

// parking is an instant manager whose operations park.
func parking() Options {
	opts := instant
	opts.Policy.Failure = Park
	return opts
}

func TestLaw20_ParkedStaysAppliedUntilAPersonDecides(t *testing.T) {
	bothDoors(t, parking(), func(t *testing.T, w *world, d door) {
		park := func() *Handle {
			w.server.next("1", reply{fails: errNever})
			h := d.tap("1")
			w.flush() // parked is not waited for
			equal(t, "state", h.State(), Parked)
			equal(t, "shown", d.shown("1"), true)
			op := w.m.Snapshot().Entities[0].Operations[0]
			equal(t, "in the snapshot", op.State, Parked)
			is(t, op.Err, errNo)
			return h
		}
		is(t, w.tap("9", "me").Retry(), ErrNotParked)
		w.flush()

		h := park()
		key := h.ID()
		is(t, h.Discard(), nil)
		w.outcome(h, Cancelled)
		equal(t, "shown", d.shown("1"), false)

		h = park()
		is(t, h.Retry(), nil)
		w.outcome(h, Confirmed)
		equal(t, "another key than before", h.ID() == key, false)
		equal(t, "shown", d.shown("1"), true)
		is(t, h.Retry(), ErrSettled)
		equal(t, "on the server", w.server.likes("1"), true)
	})
}

func TestLaw20_ATypeChoosesForItself(t *testing.T) {
	for manager, atype := range map[FailurePolicy]FailurePolicy{Park: Revert, Revert: Park, 0: Park} {
		opts := instant
		opts.Policy.Failure = manager
		inWorld(t, opts, func(t *testing.T, w *world) {
			def := w.renaming("chosen")
			def.Policy.Failure = atype
			w.server.alwaysReply(&reply{fails: errNever})
			h := do(w, Register(w.pages, def), "1", "x")
			synctest.Wait()
			equal(t, "state", h.State() == Parked, atype == Park)
		})
	}
}

func TestLaw20_EditTakesThePlaceWithAnotherKey(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errNever})
		bad := do(w, w.rename, "1", "bad")
		w.flush()
		good := must(w.rename.Edit(bad, "good"))(t)
		equal(t, "successor", w.outcome(bad, Superseded).Successor == good, true)
		w.flush()
		w.outcome(good, Confirmed)
		calls := w.server.heardCalls()
		equal(t, "calls", []string{calls[0].What, calls[1].What}, []string{"rename bad", "rename good"})
		equal(t, "same key", calls[0].Key == calls[1].Key, false)
		w.settledTruth("1")
	})
}

func TestLaw20_LaterOfItsSlotWaitOthersGoOn(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errNever})
		parked := w.tap("1", "me")
		w.flush()
		w.outcome(do(w, w.rename, "1", "x"), Confirmed)
		w.outcome(w.tap("1", "you"), Confirmed)
		equal(t, "shown", w.view("1").Fans, "me you")
		off := w.tap("1", "me") // replaces what failed: nothing is left to decide
		w.outcome(parked, Superseded)
		w.outcome(off, Confirmed)
		w.settledTruth("1")
	})
}

func TestLaw20_NothingIsDroppedSilently(t *testing.T) {
	inWorld(t, parking(), func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		w.server.next("1", reply{fails: errNever})
		h := w.tap("1", "me")
		w.flush()
		told := events(sub, event.Parked)
		equal(t, "told of", []string{told[0].ID, told[0].Type, told[0].Entity}, []string{h.ID(), "like", "page:1"})
		is(t, told[0].Err, errNo)
		is(t, h.Discard(), nil)
		equal(t, "told", kindsOf(events(sub, event.RolledBack, event.Settled)), []event.Kind{event.RolledBack, event.Settled})
	})
}

func TestLaw21_StagesCanBeAwaited(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: time.Second, terse: true})
		h := w.tap("1", "me")
		began := time.Now()
		equal(t, "state", h.State(), InFlight)
		is(t, h.Await(w.ctx, Applied), nil)
		equal(t, "applied after", time.Since(began), 0)
		is(t, h.Await(w.ctx, Journaled), ErrInvalid) // there is no journal
		is(t, h.Await(w.ctx, Acknowledged), nil)
		equal(t, "acknowledged after", time.Since(began), time.Second)
		short, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		is(t, h.Await(short, Settled), context.DeadlineExceeded)
		go func() {
			time.Sleep(time.Second)
			w.pages.Receive("1", w.server.truth("1"))
		}()
		is(t, h.Await(w.ctx, Settled), nil)
		equal(t, "settled after", time.Since(began), 3*time.Second)
		equal(t, "state", h.State(), Ended)
		is(t, h.Await(w.ctx, 99), ErrInvalid)
		is(t, w.failed().Await(w.ctx, Acknowledged), ErrSettled)
	})
}

func TestLaw21_TheResultSaysAll(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errBusy}, reply{fails: Fail(Offline, errBusy)})
		h := w.tap("1", "me")
		_, ok := h.Result()
		equal(t, "has ended", ok, false)
		done := h.Done()
		w.flush()
		<-done
		<-h.Done()
		r := w.result(h)
		equal(t, "result", r, Result{
			ID: h.ID(), Type: "like", Entity: "page:1", Outcome: Confirmed,
			Attempts: 1, Calls: 3, server: page{Fans: "me"},
		})
		told, ok := Told[page](r)
		equal(t, "told", told, page{Fans: "me"})
		equal(t, "is told", ok, true)
		_, ok = Told[string](r)
		equal(t, "another type is told", ok, false)
		equal(t, "success", r.Success(), true)
		r = w.result(w.failed())
		var op *OpError
		if !errors.As(r.Err, &op) || op.Entity != "page:9" || op.Type != "comment" || op.ID != r.ID || op.Calls != 1 {
			t.Fatalf("%#v", r.Err)
		}
	})
}

func TestLaw21_OnlyTheServersWordIsTold(t *testing.T) {
	for name, row := range map[string]struct {
		reply reply
		told  bool
	}{
		"answer with truth":    {reply{}, true},
		"answer with nothing":  {reply{mute: true}, false},
		"refusal":              {reply{fails: errNever}, false},
		"conflict, with truth": {conflict(errNo), true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				w.receive("1", w.server.put("1", page{Title: "t"}))
				w.server.next("1", row.reply)
				h := w.tap("1", "me")
				w.flush()
				value, told := Told[page](w.result(h))
				equal(t, "told", told, row.told)
				if told {
					equal(t, "value", value, page{Title: "t", Fans: "me"})
				}
			})
		})
	}
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.receive("1", w.server.put("1", page{Title: "t"}))
		h := w.tap("1", "me")
		w.tap("1", "me") // and back: nothing is sent
		w.flush()
		_, told := Told[page](must(h.Final(w.ctx))(t))
		equal(t, "told without a call", told, false)
	})
}

func TestLaw21_APredictionIsNotTold(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{terse: true}, reply{mute: true})
		first := w.tap("1", "a")
		w.time(time.Minute)
		second := w.tap("1", "b")
		w.time(time.Minute)
		w.receive("1", TruthOf(page{Fans: "a"}, w.server.versions["1"]-1)) // as the first has left it
		for _, h := range []*Handle{first, second} {
			w.outcome(h, Confirmed)
		}
		value, _ := Told[page](w.result(first))
		equal(t, "told of the first", value, page{Fans: "a"})
		_, told := Told[page](w.result(second))
		equal(t, "told of the second", told, false)
		equal(t, "predicted", w.pages.Truth("1").Predicted, true)
	})
}

func TestLaw21_SettlesExactlyOnce(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		sub := w.m.Subscribe(SubscribeOptions{Buffer: 10_000})
		w.server.alwaysReply(&reply{before: 10 * time.Millisecond})
		w.server.next("1", reply{fails: errNever}, reply{}, reply{lost: true}, reply{fails: errNever})
		all := map[string]*Handle{}
		for i := range 200 {
			h := d.tap("1")
			all[h.ID()] = h
			if i%17 == 0 {
				h.Cancel()
				h.Cancel()
			}
			if i%50 == 0 {
				w.m.RollbackAll(d.entity("1"))
			}
			time.Sleep(time.Millisecond)
		}
		w.flush()
		ends := map[string]int{}
		for _, ev := range events(sub, event.Settled) {
			ends[ev.ID]++
		}
		for id, h := range all {
			w.result(h)
			equal(t, "ends", ends[id], 1)
			is(t, h.Cancel(), ErrSettled)
		}
	})
}

func TestLaw21_FinalFollowsWhatTookThePlace(t *testing.T) {
	for _, fails := range []error{nil, errNever} {
		inWorld(t, patient, func(t *testing.T, w *world) {
			w.server.next("1", reply{before: time.Second, fails: fails})
			first, _, last := do(w, w.rename, "1", "a"), do(w, w.rename, "1", "b"), do(w, w.rename, "1", "c")
			short, cancel := context.WithTimeout(w.ctx, time.Second)
			defer cancel()
			_, err := first.Final(short)
			is(t, err, context.DeadlineExceeded)
			equal(t, "the first", w.outcome(first, Superseded).Success(), false)
			r := must(first.Final(w.ctx))(t)
			equal(t, "the end", r, w.result(last))
			equal(t, "success", r.Success(), fails == nil)
		})
	}
}

func TestLaw21_CancelTakesBack(t *testing.T) {
	bothDoors(t, patient, func(t *testing.T, w *world, d door) {
		h := d.tap("1")
		is(t, h.Cancel(), nil)
		equal(t, "shown", d.shown("1"), false)
		equal(t, "outcome", w.outcome(h, Cancelled).Err, nil)
		w.time(time.Minute)
		equal(t, "calls", len(w.server.heard()), 0)
	})
}

func TestLaw22_OnceEachInLaneOrderNeverTwoAtATime(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var order []string
		running, most := 0, 0
		def := w.commenting()
		def.OnSuccess = func(text string, _ Result) {
			mu.Lock()
			running++
			most = max(most, running)
			order = append(order, text)
			mu.Unlock()
			time.Sleep(time.Second) // slower than the server
			mu.Lock()
			running--
			mu.Unlock()
		}
		def.OnError = def.OnSuccess
		def.Type = "slow callback"
		slow := Register(w.pages, def)
		var want []string
		for i := range 10 {
			w.server.next("1", reply{before: 10 * time.Millisecond, fails: []error{nil, errNever}[i%2]})
			text := fmt.Sprint(i)
			do(w, slow, "1", text)
			want = append(want, text)
		}
		w.flush()
		equal(t, "order", order, want)
		equal(t, "at a time", most, 1)
	})
}

func TestLaw22_CallbacksOfClosuresKeepTheOrder(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var want []string
		for i := range 10 {
			typ := fmt.Sprint("u", i)
			how := []string{"success", "error"}[i%2]
			w.server.next("1", reply{before: 10 * time.Millisecond, fails: []error{nil, errNever}[i%2]})
			must(w.m.Execute(w.ctx, w.update(typ, "1", func() func() { return nil })))(t)
			want = append(want, fmt.Sprintf("%s of %s screen:1", how, typ))
		}
		w.flush()
		equal(t, "order", w.noted(), want)
	})
}

func TestLaw22_TheyMayCallTheManager(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.commenting()
		def.Type = "again"
		var again *Action[page, string]
		def.OnSuccess = func(text string, r Result) {
			w.m.Snapshot()
			w.m.RetryNow()
			w.pages.Receive("1", w.server.truth("1"))
			w.m.RollbackAll("page:2")
			w.m.PendingCount("page:1")
			w.m.Subscribe(SubscribeOptions{}).Close()
			if len(text) < 5 {
				do(w, again, "1", text+"x")
				must(w.m.Execute(w.ctx, w.update("closure", "9", func() func() { return nil })))(t)
			}
		}
		again = Register(w.pages, def)
		do(w, again, "1", "x")
		w.flush()
		w.time(time.Second)
		equal(t, "comments", w.view("1").Comments, "x xx xxx xxxx xxxxx")
	})
}

func TestLaw22_APanicIsContainedAndReported(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		def := w.commenting()
		def.Type, def.OnSuccess = "panics", func(string, Result) { panic("boom") }
		do(w, Register(w.pages, def), "1", "a")
		u := w.update("panics too", "3", func() func() { return func() { panic("bang") } })
		u.OnError = func(Result) { panic("boom") }
		w.server.next("3", reply{fails: errNever}) // another lane than page:1
		must(w.m.Execute(w.ctx, u))(t)
		last := do(w, w.comment, "1", "b")
		w.flush()
		w.outcome(last, Confirmed)
		var told []string
		for _, ev := range events(sub, event.CallbackPanicked) {
			told = append(told, ev.Err.Error()+" of "+ev.Entity)
		}
		slices.Sort(told)
		equal(t, "told", told, []string{
			"panic in callback: boom of page:1", "panic in callback: boom of screen:3", "panic in rollback: bang of screen:3",
		})
		equal(t, "callbacks after it", w.noted(), []string{"success of comment page:1"})
	})
}

func TestLaw22_OutsideEveryLock(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		block := make(chan struct{})
		def := w.commenting()
		def.Type, def.OnSuccess = "blocks", func(string, Result) { <-block }
		do(w, Register(w.pages, def), "1", "a")
		synctest.Wait()
		w.outcome(do(w, w.comment, "1", "b"), Confirmed) // the same entity is not held up
		w.outcome(w.tap("2", "me"), Confirmed)
		equal(t, "callbacks of the entity wait", w.noted(), []string{"success of like page:2"})
		close(block)
		w.flush()
		equal(t, "and come", w.noted()[1:], []string{"success of comment page:1"})
	})
}

// Flush returns when all is settled, outside as well.
func TestLaw22_FlushWaitsForClosuresAndCallbacks(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		u := w.toggle("1")
		apply := u.Apply
		u.Apply = func(on bool) func() {
			rollback := apply(on)
			return func() {
				for range 100 {
					runtime.Gosched()
				}
				time.Sleep(time.Second)
				rollback()
			}
		}
		w.server.next("1", reply{before: time.Second, fails: errNever})
		must(w.m.ExecuteToggle(w.ctx, u))(t)
		w.flush()
		equal(t, "shown", w.onScreen("1"), false)
		equal(t, "told", w.noted(), []string{"error of like screen:1"})
	})
}

func TestLaw17_TruthBesideARefusalIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		m, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close(ctx)
		posts := NewStore[post](m, "post")
		edit := Register(posts, Mutation[post, int]{
			Type:  "edit",
			Apply: func(p post, likes int) (post, error) { p.Likes = likes; return p, nil },
			Send: func(context.Context, Call[int]) (Truth[post], error) {
				return Gone[post](9), Fail(Permanent, errors.New("the post was deleted"))
			},
		})
		posts.Receive("1", TruthOf(post{Likes: 3}, 1))
		h, err := edit.Execute(ctx, "1", 5)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := h.Wait(ctx)
		if v := posts.View("1"); r.Outcome != RolledBack || v.Presence != Absent || v.Version != 9 {
			t.Fatalf("ended %v, the view is %+v", r.Outcome, v)
		}
	})
}

func TestLaw16_ASilentAnswerIsInLaterTruth(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{terse: true}, reply{mute: true})
		for range 3 { // on, off, on
			w.tap("1", "me")
			w.time(time.Second)
		}
		equal(t, "pending", w.pages.View("1").Pending, 0)
		equal(t, "liked", isFan(w.pages.View("1").Value, "me"), true)
	})
}
