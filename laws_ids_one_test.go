package optimist

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/optimist-go/optimist/event"
)

// same tells every creation the id s1, as a server does that already has what is made.
func same(t *Truth[card]) error { t.ID = "s1"; return nil }

func TestLaw43_TwoCreationsOfOneRecordBecomeOne(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		b.next = []func(*Truth[card]) error{same, same}
		seen := b.m.Subscribe(SubscribeOptions{Entity: "list:tmp2"})
		defer seen.Close()
		all := b.m.Subscribe(SubscribeOptions{})
		defer all.Close()
		on(b, b.list, "tmp1", "a")
		b.time(time.Millisecond)
		on(b, b.list, "tmp2", "b")
		b.flush()
		for _, id := range []string{"tmp1", "tmp2", "s1"} {
			equal(t, id, b.lists.View(id), b.lists.View("tmp1"))
		}
		equal(t, "value", b.lists.View("tmp2").Value, card{Text: "b"})
		left := false
		for ev := range drained(all) {
			left = left || ev.Kind == event.Changed && ev.Entity == "list:tmp2" && ev.Value == nil
		}
		equal(t, "a list that shows both loses one", left, true)

		last(seen)
		is(t, b.lists.Receive("s1", TruthOf(card{Text: "c"}, 99)), nil)
		equal(t, "pushed", b.lists.View("tmp2").Value.Text, "c")
		equal(t, "told", last(seen).Value, any(card{Text: "c"}))
		on(b, b.add, "tmp3", card{Text: "x", In: "tmp2"})
		b.flush()
		equal(t, "calls", b.heard, []string{"list", "list", "add  s1"})
	})
}

func TestLaw43_TwoCreationsOfOneRecordWaitForCalls(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		b.next = []func(*Truth[card]) error{same, same}
		on(b, b.add, "tmp1", card{Text: "x", In: "7"})
		b.time(500 * time.Millisecond)
		second := on(b, b.add, "tmp2", card{Text: "y", In: "7"})
		b.time(600 * time.Millisecond)
		on(b, b.done, "tmp1", true) // leaves before the second is answered
		b.time(500 * time.Millisecond)
		b.outcome(second, Confirmed)
		equal(t, "still two", b.cards.View("tmp1").Value == b.cards.View("tmp2").Value, false)
		on(b, b.move, "tmp2", "8") // waits until they are one
		b.flush()
		equal(t, "calls", b.heard, []string{"add  7", "add  7", "done s1", "move s1 8"})
		equal(t, "one", b.cards.View("tmp1"), b.cards.View("tmp2"))
	})
}

func TestLaw43_APredictionStaysOneWhenTwoBecomeOne(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		on(b, b.add, "tmp1", card{Text: "x", In: "7"})
		is(t, b.cards.Receive("s1", TruthOf(card{Text: "x", In: "7"}, 1)), nil)
		b.next = []func(*Truth[card]) error{nil, func(t *Truth[card]) error { *t = Truth[card]{}; return nil }}
		b.time(100 * time.Millisecond)
		on(b, b.done, "s1", true)
		b.flush()
		truth := b.cards.Truth("tmp1")
		equal(t, "value", truth.Value, card{Text: "x", In: "7", Done: true})
		equal(t, "told", truth.Predicted, true)
		err := b.cards.ReceivePiece("s1", Piece[card]{Follows: 1, Version: 2, Change: func(c card) card { c.Text = "y"; return c }})
		is(t, err, ErrGap)
	})
}

func TestLaw43_EveryNameHearsWhatLeavesTheView(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		both := must(b.both.Execute(b.ctx, [2]string{"tmp1", "tmp2"}))(t)
		b.flush()
		b.outcome(both, Confirmed)
		rolledBack := func(when string, names []string, happens func()) {
			t.Helper()
			var heard []*Subscription
			for _, name := range names {
				heard = append(heard, b.m.Subscribe(SubscribeOptions{Entity: name}))
			}
			happens()
			b.flush()
			for i, s := range heard {
				n := 0
				for ev := range drained(s) {
					if ev.Kind == event.RolledBack {
						n++
					}
				}
				equal(t, fmt.Sprintf("%s: told to %s", when, names[i]), n, 1)
				s.Close()
			}
		}
		names := []string{"list:tmp1", "list:s1", "card:tmp2", "card:s1c"}
		rolledBack("of two entities", names, func() {
			b.next = []func(*Truth[card]) error{refuses}
			refused := on(b, b.retitle, "tmp1", "z")
			on(b, b.done, "tmp2", true, refused)
		})
		rolledBack("because truth came", names[2:], func() {
			is(t, b.m.SetOnline(false), nil)
			on(b, b.done, "tmp2", true)
			is(t, b.cards.Receive("s1c", Gone[card](99)), nil)
			is(t, b.m.SetOnline(true), nil)
		})
	})
}

func TestLaw43_ABatchOnWhatWasNeverMadeIsRefused(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		b.next = []func(*Truth[card]) error{refuses}
		on(b, b.list, "tmp1", "a")
		b.flush()
		other := b.list.Plan("tmp2", "b")
		_, err := b.m.Batch(b.ctx, other, b.retitle.Plan("tmp1", "c"))
		is(t, err, ErrAbsent)
		equal(t, "nothing was accepted", b.m.Snapshot().Pending, 0)
		all := must(b.m.Batch(b.ctx, b.list.Plan("tmp1", "a"), b.retitle.Plan("tmp1", "c")))(t)
		b.flush()
		b.outcome(all[1], Confirmed)
	})
}

// A group of two that become one is sent, and ends once: nothing waits for its callback.
func TestLaw43_AGroupOfTwoThatAreOneEndsOnce(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		calls := 0
		set := func(done bool) func(card) (card, error) {
			return func(c card) (card, error) { c.Text, c.Done = "both", done; return c, nil }
		}
		swap := RegisterGroup(b.m, Group[[2]string]{
			Type: "swap",
			Parts: func(ids [2]string) []Part {
				return []Part{b.cards.Part(ids[0], set(false)), b.cards.Part(ids[1], set(true))}
			},
			Send:      func(context.Context, Call[[2]string]) ([]EntityTruth, error) { calls++; return nil, nil },
			OnSuccess: func(_ [2]string, r Result) { b.note("success", r) },
		})
		on(b, b.add, "tmp1", card{Text: "x", In: "7"})
		b.time(time.Millisecond)
		is(t, b.cards.Receive("s1", TruthOf(card{Text: "x", In: "7"}, 1)), nil) // does not name the creation
		both := must(swap.Execute(b.ctx, [2]string{"tmp1", "s1"}))(t)
		b.flush()
		b.outcome(both, Confirmed)
		equal(t, "one", b.cards.View("tmp1"), b.cards.View("s1"))
		equal(t, "value", b.cards.View("s1").Value, card{Text: "both", In: "7", Done: true})
		equal(t, "calls, callbacks", []int{calls, len(b.noted())}, []int{1, 1})
		_, err := swap.Execute(b.ctx, [2]string{"tmp1", "s1"})
		is(t, err, ErrInvalid)
	})
}
