package optimist

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/hlc"
)

func TestLaw18_StampsNeverGoBackwards(t *testing.T) {
	c := hlc.Clock{MaxDrift: time.Minute}
	wall := time.UnixMilli(1_000_000)
	last := c.Next(wall)
	for i, back := range []time.Duration{0, time.Hour, 0, -time.Millisecond, 24 * time.Hour} {
		next := c.Next(wall.Add(-back))
		if next <= last {
			t.Fatalf("stamp %d went from %v to %v", i, last, next)
		}
		last = next
	}
	for range 70_000 { // more than one millisecond counts
		if next := c.Next(wall); next <= last {
			t.Fatalf("%v after %v", next, last)
		} else {
			last = next
		}
	}
}

func TestLaw18_FollowsTheServerWithinBounds(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		ahead := w.server.put("1", page{Title: "ahead"})
		ahead.At = TimestampOf(time.Now().Add(time.Minute))
		w.receive("1", ahead)
		if h := w.tap("1", "me"); h.Timestamp() <= ahead.At {
			t.Fatalf("a tap at %v, after truth of %v", h.Timestamp(), ahead.At)
		}
		w.flush()
		sub := w.m.Subscribe(SubscribeOptions{})
		absurd := w.server.put("1", page{Title: "absurd"})
		absurd.At = TimestampOf(time.Now().Add(24 * time.Hour))
		w.receive("1", absurd)
		told := events(sub, event.ClockDrift)
		equal(t, "told", len(told), 1)
		is(t, told[0].Err, ErrClockDrift)
		if h := w.tap("1", "you"); h.Timestamp() <= absurd.At {
			t.Fatalf("a tap on it at %v", h.Timestamp())
		}
		if h := w.tap("2", "you"); h.Timestamp().Time().After(time.Now().Add(5 * time.Minute)) {
			t.Fatalf("a tap elsewhere at %v", h.Timestamp())
		}
		equal(t, "shown all the same", w.view("1").Title, "absurd")
	})
}

// Truth of a group's answer is truth like any other.
func TestLaw18_FollowsTheAnswerOfAGroup(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		ahead := TimestampOf(time.Now().Add(time.Minute))
		g := RegisterGroup(w.m, Group[string]{
			Type:  "group",
			Parts: func(string) []Part { return []Part{w.pages.Part("1", func(p page) (page, error) { return p, nil })} },
			Send: func(context.Context, Call[string]) ([]EntityTruth, error) {
				truth := w.server.put("1", page{Title: "group"})
				truth.At = ahead
				return []EntityTruth{w.pages.EntityTruth("1", truth)}, nil
			},
		})
		must(g.Execute(w.ctx, "x"))(t)
		w.flush()
		if h := w.tap("1", "me"); h.Timestamp() <= ahead {
			t.Fatalf("a tap at %v, after truth of %v", h.Timestamp(), ahead)
		}
	})
}

// Whoever changes what they have read comes after it, also when their clock is slow.
func TestLaw18_AChangeIsLaterThanWhatItChanges(t *testing.T) {
	const slow = 59 * time.Minute
	for name, change := range map[string]func(w *world) []*Handle{
		"two of a slot": func(w *world) []*Handle { return []*Handle{do(w, w.rename, "1", "a"), do(w, w.rename, "1", "b")} },
		"two slots":     func(w *world) []*Handle { return []*Handle{do(w, w.rename, "1", "a"), w.tap("1", "me")} },
		"a dependent": func(w *world) []*Handle {
			first := do(w, w.comment, "1", "a")
			return []*Handle{first, do(w, w.comment, "1", "b", first)}
		},
		"a batch": func(w *world) []*Handle {
			return must(w.m.Batch(w.ctx, w.comment.Plan("1", "a"), w.comment.Plan("1", "b")))(w.T)
		},
		"one taken back, and one instead": func(w *world) []*Handle {
			first := w.tap("1", "me")
			synctest.Wait()
			w.server.next("1", reply{lost: true})
			second := do(w, w.rename, "1", "a") // in flight, and perhaps on the server
			synctest.Wait()
			is(w.T, second.Cancel(), nil)
			return []*Handle{first, second, do(w, w.rename, "1", "b")}
		},
		"a group, and a tap on its second entity": func(w *world) []*Handle {
			g := RegisterGroup(w.m, Group[string]{
				Type: "group",
				Parts: func(string) []Part {
					same := func(p page) (page, error) { return p, nil }
					return []Part{w.pages.Part("2", same), w.pages.Part("1", same), w.pages.Part("3", same)}
				},
				Send: func(context.Context, Call[string]) ([]EntityTruth, error) { return nil, nil },
			})
			return []*Handle{must(g.Execute(w.ctx, "x"))(w.T), w.tap("3", "me")}
		},
		"an edit of what is parked": func(w *world) []*Handle {
			def := w.renaming("parks")
			def.Policy.Failure = Park
			parks := Register(w.pages, def)
			w.server.next("1", reply{fails: errNever})
			first := do(w, parks, "1", "a")
			synctest.Wait()
			return []*Handle{first, must(parks.Edit(first, "b"))(w.T)}
		},
		"what a conflict is merged into": func(w *world) []*Handle {
			def := w.renaming("merges")
			def.Resolve = func(c Conflict[page, string]) Decision[string] { return c.Merge("both") }
			w.server.next("1", conflict(errNo))
			first := do(w, Register(w.pages, def), "1", "a")
			w.flush()
			return []*Handle{first, w.result(first).Successor}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				theirs := w.server.put("1", page{Title: "theirs"})
				theirs.At = TimestampOf(time.Now().Add(slow))
				w.server.stamps["1"] = theirs.At
				w.receive("1", theirs)
				last := theirs.At
				for _, h := range change(w) {
					if h.Timestamp() <= last {
						t.Fatalf("%s at %v, after %v", h.Type(), h.Timestamp(), last)
					}
					last = h.Timestamp()
				}
				if last > TimestampOf(theirs.At.Time().Add(time.Millisecond)) {
					t.Fatalf("a stamp of %v, after truth of %v", last, theirs.At)
				}
			})
		})
	}
}

// A server that lets the last writer win takes the change of a slow clock.
func TestLaw18_ASlowClockLosesNothingThatItsUserHasRead(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("write")
		send := def.Send
		def.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) {
			if theirs := w.server.truth(c.Entity); c.At <= theirs.At {
				return theirs, StatusError(409, 0, nil)
			}
			return send(ctx, c)
		}
		write := Register(w.pages, def)
		theirs := w.server.put("1", page{Title: "theirs"})
		w.server.stamps["1"] = TimestampOf(time.Now().Add(59 * time.Minute))
		theirs.At = w.server.stamps["1"]
		w.receive("1", theirs)
		for _, title := range []string{"mine", "mine again"} {
			h := do(w, write, "1", title)
			w.flush()
			equal(t, "success", w.outcome(h, Confirmed).Success(), true)
			equal(t, "on the server", w.server.truth("1").Value.Title, title)
		}
	})
}

// The largest stamp there is has none after it.
func TestLaw18_AStampWithoutANext(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		theirs := w.server.put("1", page{Title: "theirs"})
		theirs.At = math.MaxUint64
		w.receive("1", theirs)
		equal(t, "stamp", w.tap("1", "me").Timestamp(), theirs.At)
	})
}

// A merged operation and the tap after it are two events of one client.
func TestLaw18_AMergedOperationHasAStampOfItsOwn(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Second, time.Minute, 24 * time.Hour} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			def := w.renaming("edit")
			def.Resolve = func(c Conflict[page, string]) Decision[string] { return c.Merge("merged") }
			theirs := w.server.put("1", page{Title: "theirs"})
			w.server.stamps["1"] = TimestampOf(time.Now().Add(ahead))
			w.server.next("1", conflict(errNo))
			h := do(w, Register(w.pages, def), "1", "mine")
			w.flush()
			merged := w.result(h).Successor.Timestamp()
			next, elsewhere := w.tap("1", "me").Timestamp(), w.tap("2", "me").Timestamp()
			if merged <= h.Timestamp() || merged <= theirs.At || merged >= next {
				t.Errorf("server at %v: %v, then merged at %v, then a tap at %v", theirs.At, h.Timestamp(), merged, next)
			}
			if elsewhere.Time().After(time.Now().Add(5 * time.Minute)) {
				t.Errorf("the clock has followed an absurd stamp of the server: %v", elsewhere)
			}
		})
	}
}

// A list says no stamp. Truth that is older than what is held says one all the same, and what
// is held came after it.
func TestLaw18_AChangeIsLaterThanStaleTruth(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.receive("1", TruthOf(page{}, 7))
		stale := TruthOf(page{}, 6)
		stale.At = TimestampOf(time.Now().Add(59 * time.Minute))
		w.receive("1", stale)
		if h := w.tap("1", "me"); h.Timestamp() <= stale.At {
			t.Fatalf("%v, after truth of %v", h.Timestamp(), stale.At)
		}
	})
}
