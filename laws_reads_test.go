package optimist

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/optimist-go/optimist/event"
)

// slowly reads a page without its version: the answer is of the moment at which it began.
func (w *world) slowly(id string, took time.Duration, reads *int, meanwhile func()) error {
	return w.pages.Refresh(w.ctx, id, func(context.Context) (Truth[page], error) {
		*reads++
		found := w.server.truth(id)
		if meanwhile != nil {
			meanwhile()
		}
		time.Sleep(took)
		return TruthOf(found.Value, 0), nil
	})
}

// Somebody renames the page; a slow read carries the name, and a like settles meanwhile.
func TestLaw15_AReadThatIsTooOldIsMadeAgain(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.put("1", page{Title: "renamed"})
		w.server.next("1", reply{before: time.Second, mute: true})
		w.tap("1", "me")
		reads := 0
		is(t, w.slowly("1", 2*time.Second, &reads, nil), nil)
		equal(t, "shown", w.view("1"), page{Title: "renamed", Fans: "me"})
		equal(t, "reads", reads, 2)
	})
}

func TestLaw15_ReadsThatAreAllTooOldAreSaidToBe(t *testing.T) {
	for name, c := range map[string]struct {
		dated bool
		id    string
		reads int
		want  []error
		shown Presence
	}{
		"read again and again":             {id: "1", reads: 3, want: []error{ErrStale}, shown: Present},
		"dated by a cache":                 {id: "1", reads: 1, want: []error{ErrStale}, shown: Present, dated: true},
		"of a page that nobody knows":      {id: "far", reads: 3, want: []error{ErrStale, ErrNotLoaded}},
		"of such a page, dated by a cache": {id: "far", reads: 1, want: []error{ErrStale, ErrNotLoaded}, dated: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				reads := 0
				err := w.pages.Refresh(w.ctx, c.id, func(context.Context) (Truth[page], error) {
					reads++
					old := Truth[page]{Presence: Present, Value: page{Title: "old"}}
					if c.dated {
						old.ReadAt = time.Now()
					}
					time.Sleep(time.Second)
					w.server.next(c.id, reply{mute: true})
					must(do(w, w.comment, c.id, "x").Wait(w.ctx))(t)
					time.Sleep(time.Second)
					return old, nil
				})
				for _, want := range c.want {
					is(t, err, want)
				}
				equal(t, "reads", reads, c.reads)
				equal(t, "presence", w.pages.View(c.id).Presence, c.shown)
				equal(t, "title", w.pages.View(c.id).Value.Title, "")
			})
		})
	}
}

// A versioned read that is older than the version held is no news, and no failure.
func TestLaw15_AReadOfAnOlderVersionIsNoFailure(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		old := w.server.truth("1")
		w.receive("1", w.server.put("1", page{Title: "new"}))
		is(t, w.pages.Refresh(w.ctx, "1", func(context.Context) (Truth[page], error) { return old, nil }), nil)
		equal(t, "shown", w.view("1").Title, "new")
	})
}

func TestLaw15_AReadThatSaysNothing(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		nothing := func(context.Context) (Truth[page], error) { return Truth[page]{}, nil }
		is(t, w.pages.Refresh(w.ctx, "1", nothing), nil) // not modified
		is(t, w.pages.Refresh(w.ctx, "far", nothing), ErrNotLoaded)
	})
}

// A value without a presence is not dropped as if nothing had been said.
func TestLaw28_AValueWithoutPresence(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		half := Truth[page]{Value: page{Title: "x"}, Version: 99}
		is(t, w.pages.Receive("1", half), ErrInvalid)
		is(t, w.pages.Refresh(w.ctx, "1", func(context.Context) (Truth[page], error) { return half, nil }), ErrInvalid)
		def := w.renaming("half")
		def.Send = func(context.Context, Call[string]) (Truth[page], error) { return half, nil }
		group := RegisterGroup(w.m, Group[string]{
			Type:  "together",
			Parts: func(string) []Part { return []Part{w.pages.DeletePart("2")} },
			Send: func(context.Context, Call[string]) ([]EntityTruth, error) {
				return []EntityTruth{w.pages.EntityTruth("2", half)}, nil
			},
		})
		sub := w.m.Subscribe(SubscribeOptions{})
		do(w, Register(w.pages, def), "1", "y")
		must(group.Execute(w.ctx, ""))(t)
		time.Sleep(time.Second)
		refused := events(sub, event.TruthRefused)
		equal(t, "events", len(refused), 2)
		for _, ev := range refused {
			is(t, ev.Err, ErrInvalid)
		}
	})
}

// reading is a world whose pages are read when all has settled, in half a second.
func readingSettled(t *testing.T, f func(t *testing.T, w *world, pages *Store[page], like *Switch[page], reads *int)) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		reads := 0
		pages := NewStore(w.m, "read", StoreOptions[page]{ReadSettled: true, Read: func(_ context.Context, id string) (Truth[page], error) {
			reads++
			found := w.server.truth(id)
			time.Sleep(500 * time.Millisecond)
			return TruthOf(found.Value, 0), nil
		}})
		def := w.likeToggle()
		def.Type = "like read"
		like := RegisterToggle(pages, def)
		is(t, pages.Receive("1", TruthOf(page{}, 0)), nil)
		f(t, w, pages, like, &reads)
	})
}

func TestLaw42_AnEntityIsReadWhenItsLastOperationHasEnded(t *testing.T) {
	readingSettled(t, func(t *testing.T, w *world, pages *Store[page], like *Switch[page], reads *int) {
		w.server.put("1", page{Title: "renamed by another"})
		w.server.alwaysReply(&reply{before: 50 * time.Millisecond, mute: true})
		toggle := func(user string) *Handle { return must(like.Toggle(w.ctx, "1", user))(t) }
		toggle("a")
		toggle("b")
		w.time(120 * time.Millisecond) // both have ended
		toggle("c")
		w.time(10 * time.Millisecond)
		equal(t, "reads", *reads, 0)
		equal(t, "not read yet", pages.View("1").Value.Title, "")
		w.time(5 * time.Second)
		equal(t, "one read of all three", *reads, 1)
		equal(t, "read", pages.View("1").Value, page{Title: "renamed by another", Fans: "a b c"})
		w.time(time.Hour)
		equal(t, "no more", *reads, 1)
	})
}

// What a slow read finds does not undo a tap, nor one that has settled during the read.
func TestLaw42_SuchAReadDoesNotFlicker(t *testing.T) {
	readingSettled(t, func(t *testing.T, w *world, pages *Store[page], like *Switch[page], reads *int) {
		w.server.alwaysReply(&reply{before: 50 * time.Millisecond, mute: true})
		var shown []names
		go func() {
			for v := range pages.Watch(w.ctx, "1") {
				if n := len(shown); n == 0 || shown[n-1] != v.Value.Fans {
					shown = append(shown, v.Value.Fans)
				}
			}
		}()
		w.time(time.Millisecond)
		must(like.Toggle(w.ctx, "1", "a"))(t)
		w.time(250 * time.Millisecond) // the read is under way
		equal(t, "reads", *reads, 1)
		must(like.Toggle(w.ctx, "1", "b"))(t)
		w.time(5 * time.Second)
		equal(t, "shown", fmt.Sprint(shown), "[ a a b]")
		equal(t, "read again for the second", *reads, 2)
	})
}

// An operation that is taken back before it leaves tells nothing new, and does not keep the
// end of another from being read.
func TestLaw42_OnlyOperationsThatHaveLeftAreReadFor(t *testing.T) {
	readingSettled(t, func(t *testing.T, w *world, pages *Store[page], like *Switch[page], reads *int) {
		w.m.SetOnline(false)
		is(t, must(like.Toggle(w.ctx, "1", "a"))(t).Cancel(), nil)
		w.m.SetOnline(true)
		w.time(time.Second)
		equal(t, "reads", *reads, 0)

		w.server.next("1", reply{mute: true})
		must(must(like.Toggle(w.ctx, "1", "a"))(t).Wait(w.ctx))(t)
		w.m.SetOnline(false)
		h := must(like.Toggle(w.ctx, "1", "b"))(t)
		w.time(time.Second)
		w.m.SetOnline(true)
		h.Cancel()
		w.time(time.Second)
		equal(t, "reads", *reads > 0, true)
	})
}

// A read that fails is made again as often as the policy allows, for each end anew, and not
// before the server asked for it.
func TestLaw42_AFailedReadIsMadeAgain(t *testing.T) {
	opts := instant
	opts.Policy.Retry = Retry{Max: 2, Base: time.Second, Jitter: -1}
	inWorld(t, opts, func(t *testing.T, w *world) {
		var began time.Time
		var at []time.Duration
		var fails []error
		pages := NewStore(w.m, "read", StoreOptions[page]{ReadSettled: true, Read: func(_ context.Context, id string) (Truth[page], error) {
			at = append(at, time.Since(began))
			if len(fails) > 0 {
				err := fails[0]
				fails = fails[1:]
				return Truth[page]{}, err
			}
			return TruthOf(w.server.truth(id).Value, 0), nil
		}})
		def := w.likeToggle()
		def.Type = "like read"
		like := RegisterToggle(pages, def)
		is(t, pages.Receive("1", TruthOf(page{}, 0)), nil)
		w.server.put("1", page{Title: "renamed by another"})
		w.server.alwaysReply(&reply{mute: true})
		tap := func(user string, failures ...error) {
			began, at, fails = time.Now(), nil, failures
			must(must(like.Set(w.ctx, "1", user, true))(t).Wait(w.ctx))(t)
		}
		const pause = 100 * time.Millisecond
		down, busy := errors.New("down"), StatusError(429, 5*time.Second, nil)

		tap("a", down, down)
		w.time(time.Hour)
		equal(t, "reads", at, []time.Duration{pause, pause + time.Second, pause + 3*time.Second})
		equal(t, "read", pages.View("1").Value.Title, "renamed by another")

		tap("b", down, down, down, down)
		w.time(time.Hour)
		equal(t, "it is given up", len(at), 3)
		tap("c")
		w.time(time.Hour)
		equal(t, "of the next end", len(at), 1)

		tap("d", busy)
		w.time(time.Hour)
		equal(t, "not before the server asked for it", at, []time.Duration{pause, pause + 5*time.Second})

		tap("e", down) // while its read waits for another try, an operation comes and stays
		w.time(200 * time.Millisecond)
		w.server.alwaysReply(&reply{before: time.Minute, mute: true})
		h := must(like.Set(w.ctx, "1", "f", true))(t)
		w.time(30 * time.Second)
		w.server.alwaysReply(&reply{mute: true})
		equal(t, "meanwhile", len(at), 1)
		must(h.Wait(w.ctx))(t)
		w.time(pause + time.Millisecond)
		equal(t, "at its end", len(at), 2)
		w.time(time.Hour)
		equal(t, "no more", len(at), 2)

		tap("g", down, down)
		w.m.SetOnline(false)
		w.time(time.Hour)
		equal(t, "offline", len(at), 0)
		w.m.SetOnline(true)
		w.time(time.Hour)
		equal(t, "online again", len(at), 3)
	})
}

// An operation of which the server has told the version alone does not wait for a push: its
// entity is read, until truth of that version is there.
func TestLaw42_AnAcknowledgedOperationHasItsEntityRead(t *testing.T) {
	opts := instant
	opts.Policy.Retry = Retry{Max: 2, Base: time.Second, Jitter: -1}
	inWorld(t, opts, func(t *testing.T, w *world) {
		var lags, reads int
		pages := NewStore(w.m, "read", StoreOptions[page]{ReadSettled: true, Read: func(_ context.Context, id string) (Truth[page], error) {
			reads++
			if reads <= lags {
				return TruthOf(page{Title: "old"}, 1), nil
			}
			return w.server.truth(id), nil
		}})
		def := w.likeToggle()
		def.Type = "like read"
		like := RegisterToggle(pages, def)
		w.server.put("1", page{Title: "old"})
		is(t, pages.Receive("1", w.server.truth("1")), nil)
		w.server.alwaysReply(&reply{terse: true})

		h := must(like.Set(w.ctx, "1", "a", true))(t)
		must(h.Wait(w.ctx))(t)
		w.outcome(h, Confirmed)
		equal(t, "read", pages.View("1").Value, page{Title: "old", Fans: "a"})
		w.time(time.Hour)
		equal(t, "one read", reads, 1)

		lags = reads + 2 // a replica
		h = must(like.Set(w.ctx, "1", "b", true))(t)
		w.time(2 * time.Second)
		equal(t, "waits", h.State(), Acked)
		equal(t, "shown", pages.View("1").Value.Fans, "a b")
		must(h.Wait(w.ctx))(t)
		w.time(time.Hour)
		equal(t, "reads", reads, 4)
	})
}
