package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A resolver sees what was, what the user made of it and what the server holds, and
// here merges both. Without one the last writer wins, by timestamp.
func Example_conflict() {
	ctx := context.Background()
	server, version := "milk, eggs", uint64(2) // somebody added eggs

	m, _ := optimist.New(optimist.Options{Policy: optimist.Policy{Debounce: optimist.Debounce{Wait: optimist.NoDebounce}}})
	lists := optimist.NewStore[string](m, "list")
	write := optimist.Register(lists, optimist.Mutation[string, string]{
		Type:  "write",
		Slot:  func(string) string { return "text" },
		Apply: func(_, text string) (string, error) { return text, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			if c.BaseVersion != version {
				fmt.Println("conflict at version", c.BaseVersion)
				return optimist.TruthOf(server, version), optimist.Fail(optimist.Conflicting, errors.New("409"))
			}
			server, version = c.Args, version+1
			return optimist.TruthOf(server, version), nil
		},
		Resolve: func(c optimist.Conflict[string, string]) optimist.Decision[string] {
			added := c.Mine[len(c.Base):]
			return c.Merge(c.Theirs + added)
		},
	})
	lists.Receive("1", optimist.TruthOf("milk", 1))

	h, _ := write.Execute(ctx, "1", "milk, tea")
	r, _ := h.Wait(ctx)
	fmt.Println("mine:", r.Outcome, "by one that is", r.Conflict)
	r, _ = r.Successor.Wait(ctx)
	fmt.Println("merged:", r.Outcome)
	fmt.Println(lists.View("1").Value, "=", server)

	m.Close(ctx)
	// Output:
	// conflict at version 1
	// mine: superseded by one that is merged
	// merged: confirmed
	// milk, eggs, tea = milk, eggs, tea
}
