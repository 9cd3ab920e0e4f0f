package list_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// A filter chooses rows by id and value. A change takes a row out at once, and its refusal
// brings it back.
func Example_filter() {
	type Todo struct {
		Text string
		Done bool
	}
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	todos := optimist.NewStore[Todo](m, "todo")
	tick := optimist.Register(todos, optimist.Mutation[Todo, bool]{
		Type: "tick", Slot: func(bool) string { return "done" },
		Apply: func(t Todo, done bool) (Todo, error) { t.Done = done; return t, nil },
		Send: func(context.Context, optimist.Call[bool]) (optimist.Truth[Todo], error) {
			return optimist.Truth[Todo]{}, optimist.StatusError(403, 0, nil)
		},
	})
	todos.Receive("1", optimist.TruthOf(Todo{Text: "milk"}, 1))
	todos.Receive("2", optimist.TruthOf(Todo{Text: "bread"}, 1))

	open, _ := list.New(todos, list.Query[Todo]{Where: func(_ string, t Todo) bool { return !t.Done }})
	show := func(when string) {
		fmt.Print(when, ":")
		for _, row := range open.Rows().All() {
			fmt.Print(" ", row.View.Value.Text)
		}
		fmt.Println()
	}
	show("at first")
	h, _ := tick.Execute(ctx, "1", true)
	show("ticked")
	h.Wait(ctx)
	show("refused")
	open.Close()
	m.Close(ctx)
	// Output:
	// at first: milk bread
	// ticked: bread
	// refused: milk bread
}
