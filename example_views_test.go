package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/optimist-go/optimist"
)

// Views reads several entities at one moment. Two calls of View can have a change between
// them: a card that was moved from one list to another would be in both, or in none.
func Example_views() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	lists := optimist.NewStore[[]string](m, "list")
	boards := optimist.NewStore[string](m, "board")

	type Move struct{ Card, From, To string }
	move := optimist.RegisterGroup(m, optimist.Group[Move]{
		Type: "move",
		Parts: func(v Move) []optimist.Part {
			return []optimist.Part{
				lists.Part(v.From, func(cards []string) ([]string, error) {
					i := slices.Index(cards, v.Card)
					if i < 0 {
						return nil, errors.New("the card is not there")
					}
					return slices.Concat(cards[:i], cards[i+1:]), nil
				}),
				lists.Part(v.To, func(cards []string) ([]string, error) {
					return append(slices.Clone(cards), v.Card), nil
				}),
			}
		},
		Send: func(context.Context, optimist.Call[Move]) ([]optimist.EntityTruth, error) { return nil, nil },
	})
	boards.Receive("home", optimist.TruthOf("Home", 1))
	lists.Receive("todo", optimist.TruthOf([]string{"paint", "mow"}, 1))
	lists.Receive("done", optimist.TruthOf([]string{"cook"}, 1))
	move.Execute(ctx, Move{"mow", "todo", "done"})

	// Of one store.
	all := lists.Views("todo", "done")
	fmt.Println("todo:", all[0].Value, "done:", all[1].Value)

	// Of several stores.
	var board optimist.View[string]
	var todo, done optimist.View[[]string]
	err := m.Views(boards.Into("home", &board), lists.Into("todo", &todo), lists.Into("done", &done))
	fmt.Println(board.Value, "has", len(todo.Value)+len(done.Value), "cards", err)
	m.Close(ctx)
	// Output:
	// todo: [paint] done: [cook mow]
	// Home has 3 cards <nil>
}
