package optimist

import (
	"context"
	"testing"
	"time"
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
		refused := events(sub, TruthRefused)
		equal(t, "events", len(refused), 2)
		for _, ev := range refused {
			is(t, ev.Err, ErrInvalid)
		}
	})
}
