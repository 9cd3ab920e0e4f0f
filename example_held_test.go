package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// The view shows pending changes; the truth below it is what the server has. A page can
// show both: the new title, and that others still see the old one.
func Example_heldTruth() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	titles := optimist.NewStore[string](m, "title")
	answer := make(chan error)
	rename := optimist.Register(titles, optimist.Mutation[string, string]{
		Type:  "rename",
		Apply: func(_, title string) (string, error) { return title, nil },
		Send: func(context.Context, optimist.Call[string]) (optimist.Truth[string], error) {
			return optimist.Truth[string]{}, <-answer // "done", and no more
		},
	})
	titles.Receive("1", optimist.TruthOf("old", 5))

	h, _ := rename.Execute(ctx, "1", "new")
	held := titles.Truth("1")
	fmt.Println("shown:", titles.View("1").Value, "held:", held.Value, held.Version)

	answer <- nil
	h.Wait(ctx)
	held = titles.Truth("1")
	fmt.Println("held:", held.Value, "predicted:", held.Predicted)
	m.Close(ctx)
	// Output:
	// shown: new held: old 5
	// held: new predicted: true
}
