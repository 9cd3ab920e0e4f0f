package optimist

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/optimist-go/optimist/event"
)

func idsOf(all []*Handle) (ids []string) {
	for _, h := range all {
		ids = append(ids, h.ID())
	}
	return ids
}

func TestLaw38_OperationsAreFoundByIdInTheOrderAccepted(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.m.SetOnline(false)
		second := do(w, w.comment, "2", "b")
		first := do(w, w.comment, "1", "a")
		third := do(w, w.comment, "2", "c")
		all := []*Handle{second, first, third}
		equal(t, "all", idsOf(w.m.Operations()), idsOf(all))
		equal(t, "of page 2", idsOf(w.pages.Operations("2")), idsOf([]*Handle{second, third}))
		equal(t, "of page 3", len(w.pages.Operations("3")), 0)
		for _, h := range all {
			if found, ok := w.m.Operation(h.ID()); !ok || found != h {
				t.Errorf("%s: found %v, %v", h.ID(), found, ok)
			}
		}
		other := NewStore[page](w.m, "other")
		both := must(w.swap().Execute(w.ctx, [2]string{"1", "2"}))(t)
		equal(t, "of the store", idsOf(w.pages.Operations()), idsOf(append(all, both)))
		equal(t, "of both, a group once", idsOf(w.pages.Operations("2", "1", "2")), idsOf(append(all, both)))
		equal(t, "of another store", len(other.Operations()), 0)
		sub := w.m.Subscribe(SubscribeOptions{})
		equal(t, "of nothing", len(w.pages.Operations("1", "")), 0)
		equal(t, "misuse is told", len(events(sub, event.Misused)), 1)
		equal(t, "of no manager", len(NewStore[page](nil, "x").Operations()), 0)
		both.Cancel()
		// A replacement has the place of the operation that it replaced, and is accepted later.
		do(w, w.rename, "1", "x")
		renamed := do(w, w.rename, "1", "y")
		do(w, w.comment, "3", "d")
		equal(t, "place", slices.Index(idsOf(w.m.Operations()), renamed.ID()), 3)
	})
}

func TestLaw38_AnEndedOperationIsNotFound(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		h := do(w, w.comment, "1", "a")
		w.flush()
		w.outcome(h, Confirmed)
		if found, ok := w.m.Operation(h.ID()); ok {
			t.Errorf("found %v", found)
		}
		w.m.SetOnline(false)
		old, now := do(w, w.rename, "1", "x"), do(w, w.rename, "1", "y")
		equal(t, "all", idsOf(w.m.Operations()), []string{now.ID()})
		if r := w.outcome(old, Superseded); r.Successor != now {
			t.Errorf("the successor is %v", r.Successor)
		}
		for _, id := range []string{"", "-", "nobody", old.ID(), now.ID() + "0"} {
			if _, ok := w.m.Operation(id); ok {
				t.Errorf("%q is found", id)
			}
		}
	})
}

func TestLaw38_AGroupIsFoundOnceAndOfEachEntity(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		both := RegisterGroup(w.m, Group[string]{
			Type: "both", Policy: instant.Policy,
			Parts: func(title string) []Part {
				set := func(p page) (page, error) { p.Title = title; return p, nil }
				return []Part{w.pages.Part("1", set), w.pages.Part("2", set)}
			},
			Send: func(ctx context.Context, c Call[string]) ([]EntityTruth, error) { return nil, nil },
		})
		w.m.SetOnline(false)
		h := must(both.Execute(w.ctx, "x"))(t)
		for what, found := range map[string][]*Handle{"all": w.m.Operations(), "1": w.pages.Operations("1"), "2": w.pages.Operations("2")} {
			equal(t, what, idsOf(found), []string{h.ID()})
		}
	})
}

func TestLaw38_DecisionsFollowFromTheId(t *testing.T) {
	opts := instant
	opts.Policy.Failure = Park
	inWorld(t, opts, func(t *testing.T, w *world) {
		parked := func(title string) *Handle {
			t.Helper()
			w.server.next("1", reply{fails: errNever})
			h := do(w, w.rename, "1", title)
			synctest.Wait()
			found, ok := w.m.Operation(h.ID())
			if !ok || found.State() != Parked {
				t.Fatalf("%s is %v, found: %v", title, h.State(), ok)
			}
			return found
		}
		h := parked("a")
		is(t, h.Retry(), nil)
		w.outcome(h, Confirmed)
		h = parked("b")
		edited := must(w.rename.Edit(h, "c"))(t)
		w.outcome(h, Superseded)
		w.outcome(edited, Confirmed)
		h = parked("d")
		is(t, h.Discard(), nil)
		w.outcome(h, Cancelled)
		h = parked("e")
		is(t, h.Cancel(), nil)
		w.outcome(h, Cancelled)
		equal(t, "title", w.view("1").Title, "c")
		equal(t, "left", len(w.m.Operations()), 0)
	})
}

func TestLaw38_AnEmptyHandleDoesNotPanic(t *testing.T) {
	for name, h := range map[string]*Handle{"nil": nil, "zero": {}} {
		for call, err := range map[string]error{
			"Wait": second(h.Wait(t.Context())), "Final": second(h.Final(t.Context())), "Await": h.Await(t.Context(), Settled),
			"Cancel": h.Cancel(), "Retry": h.Retry(), "Discard": h.Discard(), "SendNow": h.SendNow(),
		} {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%s of the %s handle: %v", call, name, err)
			}
		}
		_, ended := h.Result()
		done, total := h.Progress()
		if h.ID()+h.Type()+h.Entity() != "" || h.Timestamp() != 0 || h.State() != 0 || ended || done+total != 0 || h.Done() != nil {
			t.Errorf("the %s handle knows something", name)
		}
		inWorld(t, instant, func(t *testing.T, w *world) {
			if _, err := w.comment.Execute(w.ctx, "1", "a", h); !errors.Is(err, ErrInvalid) {
				t.Errorf("after the %s handle: %v", name, err)
			}
			if _, err := w.rename.Edit(h, "a"); !errors.Is(err, ErrInvalid) {
				t.Errorf("edit of the %s handle: %v", name, err)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }
