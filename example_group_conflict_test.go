package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/optimist-go/optimist"
)

// A group resolves a conflict for all its entities together. Here somebody else has changed
// the list that a card is moved to. The move is sent again on the new version, unless they
// have put the card there themselves.
func Example_groupConflict() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	lists := optimist.NewStore[[]string](m, "list")

	type Move struct{ Card, From, To string }
	version := uint64(1) // of the list "done" at the server
	move := optimist.RegisterGroup(m, optimist.Group[Move]{
		Type: "move",
		Parts: func(v Move) []optimist.Part {
			return []optimist.Part{
				lists.Part(v.From, func(cards []string) ([]string, error) {
					return slices.DeleteFunc(slices.Clone(cards), func(c string) bool { return c == v.Card }), nil
				}),
				lists.Part(v.To, func(cards []string) ([]string, error) {
					if slices.Contains(cards, v.Card) {
						return cards, nil
					}
					return append(slices.Clone(cards), v.Card), nil
				}),
			}
		},
		Send: func(_ context.Context, c optimist.Call[Move]) ([]optimist.EntityTruth, error) {
			if version == 1 { // a request with the versions would get 409, and the list in its body
				version = 2
				theirs := optimist.TruthOf([]string{"cook", "shop"}, version)
				return []optimist.EntityTruth{lists.EntityTruth(c.Args.To, theirs)},
					optimist.Fail(optimist.Conflicting, errors.New("the list has changed"))
			}
			return nil, nil // as predicted
		},
		Resolve: func(c optimist.GroupConflict[Move]) optimist.Decision[Move] {
			to, _ := optimist.ConflictIn(c, lists, c.Args.To)
			fmt.Println(c.Err, "to", to.Theirs)
			if slices.Contains(to.Theirs, c.Args.Card) {
				return c.TakeTheirs()
			}
			return c.KeepMine()
		},
	})
	lists.Receive("todo", optimist.TruthOf([]string{"paint", "mow"}, 1))
	lists.Receive("done", optimist.TruthOf([]string{"cook"}, 1))

	h, _ := move.Execute(ctx, Move{"mow", "todo", "done"})
	r, _ := h.Wait(ctx)
	both := lists.Views("todo", "done")
	fmt.Println(r.Outcome, "after", r.Calls, "calls,", r.Conflict, both[0].Value, both[1].Value)
	m.Close(ctx)
	// Output:
	// conflict: the list has changed to [cook shop]
	// confirmed after 2 calls, kept mine [paint] [cook shop mow]
}
