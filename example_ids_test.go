package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A to-do list whose ids the server makes. The page shows each item under the id that it has
// chosen, at once; every call has the server's.
func Example_serverIDs() {
	type todo struct {
		Text string
		Done bool
	}
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	todos := optimist.NewStore[todo](m, "todo")
	add := optimist.Register(todos, optimist.Mutation[todo, string]{
		Type: "add", Kind: optimist.Create, ServerID: true,
		Apply: func(t todo, text string) (todo, error) { t.Text = text; return t, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[todo], error) {
			fmt.Println("POST /todos", c.Args)
			t := optimist.TruthOf(todo{Text: c.Args}, 1)
			t.ID = "17" // from the answer
			return t, nil
		},
	})
	tick := optimist.Register(todos, optimist.Mutation[todo, bool]{
		Type: "tick", Slot: func(bool) string { return "done" },
		Apply: func(t todo, done bool) (todo, error) { t.Done = done; return t, nil },
		Send: func(_ context.Context, c optimist.Call[bool]) (optimist.Truth[todo], error) {
			fmt.Println("PUT /todos/"+c.Entity, c.Args)
			t, _ := optimist.BaseOf[todo](c)
			t.Done = c.Args
			return optimist.TruthOf(t, 2), nil
		},
	})
	m.SetOnline(false)
	add.Execute(ctx, "new-1", "water the plants")
	tick.Execute(ctx, "new-1", true) // stands on the creation
	fmt.Println(todos.View("new-1").Value)
	m.SetOnline(true)
	m.Flush(ctx)
	fmt.Println(todos.View("17").Value, todos.View("new-1") == todos.View("17"))
	m.Close(ctx)
	// Output:
	// {water the plants true}
	// POST /todos water the plants
	// PUT /todos/17 true
	// {water the plants true} true
}
