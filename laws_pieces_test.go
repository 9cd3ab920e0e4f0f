package optimist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

func titled(title string) func(page) page {
	return func(p page) page { p.Title = title; return p }
}

func TestLaw41_APieceChangesTheTruthThatItFollows(t *testing.T) {
	inWorld(t, patient, func(t *testing.T, w *world) {
		w.receive("1", TruthOf(page{Title: "a", Comments: "c"}, 5))
		w.tap("1", "me")
		is(t, w.pages.ReceivePiece("1", Piece[page]{Follows: 5, Version: 7, Change: titled("b")}), nil)
		equal(t, "shown", w.view("1"), page{Title: "b", Fans: "me", Comments: "c"})
		held := w.pages.Truth("1")
		equal(t, "held", held.Value, page{Title: "b", Comments: "c"})
		equal(t, "version", held.Version, uint64(7))
		is(t, w.pages.ReceivePiece("1", Piece[page]{Follows: 7, Version: 8, Change: titled("c")}), nil)
		equal(t, "shown", w.view("1").Title, "c")
	})
}

func TestLaw41_AStalePieceIsNoError(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.receive("1", TruthOf(page{Title: "a"}, 5))
		sub := w.m.Subscribe(SubscribeOptions{})
		for _, version := range []uint64{4, 5} {
			is(t, w.pages.ReceivePiece("1", Piece[page]{Follows: 3, Version: version, Change: titled("b")}), nil)
		}
		equal(t, "shown", w.view("1").Title, "a")
		equal(t, "events", kindsOf(events(sub)), []event.Kind{event.Started, event.TruthStale, event.TruthStale})
	})
}

func TestLaw41_APieceWithAHoleIsRefused(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		gap := func(what, id string, follows uint64) {
			t.Helper()
			before := w.pages.View(id)
			is(t, w.pages.ReceivePiece(id, Piece[page]{Follows: follows, Version: follows + 1, Change: titled("b")}), ErrGap)
			equal(t, what, w.pages.View(id), before)
		}
		gap("unknown", "none", 5)
		w.receive("1", TruthOf(page{}, 5))
		gap("another version", "1", 6)
		w.receive("1", Truth[page]{Presence: Present, Value: page{Title: "read"}})
		gap("read without version", "1", 5)
		w.receive("1", TruthOf(page{}, 6))
		w.server.next("1", reply{mute: true})
		w.outcome(w.tap("1", "me"), Confirmed)
		gap("a prediction", "1", 6)
		w.receive("2", Gone[page](9))
		gap("absent", "2", 9)
	})
}

func TestLaw41_AStoreReadsWhatAPieceMisses(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		reads := 0
		notes := NewStore(w.m, "note", StoreOptions[page]{Read: func(context.Context, string) (Truth[page], error) {
			if reads++; reads == 1 {
				return Truth[page]{}, errors.New("not now")
			}
			return TruthOf(page{Title: "read"}, 8), nil
		}})
		is(t, notes.Receive("1", TruthOf(page{}, 5)), nil)
		is(t, notes.ReceivePiece("1", Piece[page]{Follows: 7, Version: 8, Change: titled("b")}), ErrGap)
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, "reads", reads, 2)
		equal(t, "shown", notes.View("1").Value.Title, "read")
	})
}

// The read that runs may have found what was there before the piece that is missing.
func TestLaw41_AGapDuringAReadIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := must(New(instant))(t)
		defer m.Close(t.Context())
		reads := 0
		notes := NewStore(m, "note", StoreOptions[page]{Read: func(context.Context, string) (Truth[page], error) {
			reads++
			found := TruthOf(page{Title: fmt.Sprint("read ", reads)}, 4+uint64(2*reads))
			time.Sleep(time.Second)
			return found, nil
		}})
		is(t, notes.Receive("1", TruthOf(page{Title: "a"}, 5)), nil)
		is(t, notes.ReceivePiece("1", Piece[page]{Follows: 6, Version: 7, Change: titled("b")}), ErrGap)
		time.Sleep(time.Second / 2)
		is(t, notes.ReceivePiece("1", Piece[page]{Follows: 7, Version: 8, Change: titled("c")}), ErrGap)
		is(t, notes.ReceivePiece("1", Piece[page]{Follows: 6, Version: 8, Change: titled("c")}), ErrGap)
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, "reads", reads, 2)
		equal(t, "held", notes.Truth("1").Version, uint64(8))
	})
}

func TestLaw41_BadPiecesAndPages(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		ok := Piece[page]{Follows: 1, Version: 2, Change: titled("b")}
		is(t, w.pages.ReceivePiece("", ok), ErrInvalid)
		is(t, w.pages.ReceivePiece("1", Piece[page]{Follows: 1, Version: 2}), ErrInvalid)
		is(t, w.pages.ReceivePiece("1", Piece[page]{Follows: 2, Version: 2, Change: titled("b")}), ErrInvalid)
		w.receive("1", TruthOf(page{}, 5))
		is(t, w.pages.ReceivePiece("1", Piece[page]{Follows: 5, Version: 6, Change: func(page) page { panic("no") }}), ErrApply)
		equal(t, "version", w.pages.Truth("1").Version, uint64(5))
		is(t, w.pages.ReceivePage(nil), nil)
		is(t, w.pages.ReceivePage(map[string]Truth[page]{"1": TruthOf(page{Title: "x"}, 9), "": {}}), ErrInvalid)
		is(t, w.pages.ReceivePage(map[string]Truth[page]{"1": TruthOf(page{Title: "x"}, 9), "2": {Value: page{Title: "y"}}}), ErrInvalid)
		big := make(map[string]Truth[page])
		for i := range 1001 {
			big[fmt.Sprint(i)] = TruthOf(page{Title: "x"}, 9)
		}
		is(t, w.pages.ReceivePage(big), ErrInvalid)
		equal(t, "shown", w.view("1").Title, "")
	})
}

func TestLaw41_APageEntersInOneStep(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.receive("1", TruthOf(page{Title: "old"}, 5))
		w.receive("2", TruthOf(page{Title: "same"}, 5))
		w.receive("3", TruthOf(page{Title: "newer"}, 9))
		sub := w.m.Subscribe(SubscribeOptions{})
		is(t, w.pages.ReceivePage(map[string]Truth[page]{
			"1": TruthOf(page{Title: "new"}, 6), "2": TruthOf(page{Title: "same"}, 6), "3": TruthOf(page{Title: "late"}, 6), "x": TruthOf(page{Title: "first"}, 6),
		}), nil)
		var changed []string
		for _, ev := range events(sub) {
			if ev.Kind == event.Changed {
				changed = append(changed, ev.Entity)
			}
		}
		equal(t, "changed", changed, []string{"page:1", "page:x"})
		equal(t, "stale", w.view("3").Title, "newer")
	})
}

// Two clients hear of the same changes: one by whole truths, one by pieces of which some are
// lost, repeated or late. A read fills the holes.
func TestLaw41_PiecesWithHolesEndLikeWholeTruths(t *testing.T) {
	for seed := range uint64(60) {
		inWorld(t, instant, func(t *testing.T, w *world) {
			r := rand.New(rand.NewPCG(seed, 41))
			var mu sync.Mutex // of the next line
			value, version := page{}, uint64(1)
			byPieces := NewStore(w.m, "pieces", StoreOptions[page]{Read: func(context.Context, string) (Truth[page], error) {
				mu.Lock()
				defer mu.Unlock()
				return TruthOf(value, version), nil
			}})
			whole := NewStore[page](w.m, "whole")
			is(t, byPieces.Receive("1", TruthOf(value, version)), nil)
			is(t, whole.Receive("1", TruthOf(value, version)), nil)
			var late []Piece[page]
			for n := range 40 {
				change, before := titled(fmt.Sprint("title ", n)), version
				if user := fmt.Sprint("u", r.IntN(3)); r.IntN(2) == 0 {
					on := r.IntN(2) == 0
					change = func(p page) page { return setFan(p, user, on) }
				}
				mu.Lock()
				value, version = change(value), version+1
				mu.Unlock()
				is(t, whole.Receive("1", TruthOf(value, version)), nil)
				piece := Piece[page]{Follows: before, Version: version, Change: change}
				told := []Piece[page]{piece}
				switch r.IntN(6) {
				case 0:
					told = nil
				case 1:
					late, told = append(late, piece), nil
				case 2:
					told = append(told, piece)
				case 3:
					told, late = append(told, late...), nil
				}
				if n == 39 {
					told = []Piece[page]{piece} // else nobody knows that one is missing
				}
				for _, p := range told {
					if err := byPieces.ReceivePiece("1", p); err != nil {
						is(t, err, ErrGap)
					}
					if r.IntN(2) == 0 {
						synctest.Wait()
					}
				}
			}
			synctest.Wait()
			equal(t, fmt.Sprint("seed ", seed), byPieces.View("1").Value, whole.View("1").Value)
			equal(t, "version", byPieces.View("1").Version, version)
		})
	}
}
