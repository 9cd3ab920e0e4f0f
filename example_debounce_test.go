package optimist_test

import (
	"context"
	"fmt"
	"time"

	"github.com/optimist-go/optimist"
)

// The latest edit of a slot replaces those that have not left, and leaves when no
// other came for a while. The one that was replaced names its successor.
func Example_debounce() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	titles := optimist.NewStore[string](m, "title")
	rename := optimist.Register(titles, optimist.Mutation[string, string]{
		Type:  "rename",
		Slot:  func(string) string { return "text" },
		Apply: func(_, text string) (string, error) { return text, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			fmt.Println("sent:", c.Args)
			return optimist.TruthOf(c.Args, 2), nil
		},
		Policy: optimist.Policy{Debounce: optimist.Debounce{
			Wait:    500 * time.Millisecond, // after the latest edit
			MaxWait: 5 * time.Second,        // after the first of the burst
		}},
	})
	titles.Receive("1", optimist.TruthOf("", 1))

	var handles []*optimist.Handle
	for _, text := range []string{"D", "Dr", "Draft"} {
		h, _ := rename.Execute(ctx, "1", text)
		handles = append(handles, h)
		fmt.Println("shown:", titles.View("1").Value)
	}
	handles[2].Wait(ctx)
	for _, h := range handles {
		r, _ := h.Wait(ctx)
		fmt.Println(r.Outcome, r.Calls, r.Successor != nil)
	}
	m.Close(ctx)
	// Output:
	// shown: D
	// shown: Dr
	// shown: Draft
	// sent: Draft
	// superseded 0 true
	// superseded 0 true
	// confirmed 1 false
}
