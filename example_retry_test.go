package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/optimist-go/optimist"
)

// What may work next time is tried again, with the same key. What never will is
// rolled back at once.
func Example_retry() {
	ctx := context.Background()
	statuses := []int{503, 504, 200, 403} // what the server answers, in order
	key := ""

	m, _ := optimist.New(optimist.Options{Policy: optimist.Policy{
		Debounce: optimist.Debounce{Wait: optimist.NoDebounce},
		Retry:    optimist.Retry{Max: 5, Base: time.Millisecond, Cap: time.Minute},
	}})
	names := optimist.NewStore[string](m, "name")
	rename := optimist.Register(names, optimist.Mutation[string, string]{
		Type:  "rename",
		Slot:  func(string) string { return "name" },
		Apply: func(_, name string) (string, error) { return name, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			fmt.Println("attempt", c.Number, "same key:", key == "" || key == c.ID)
			key = c.ID
			status := statuses[0]
			statuses = statuses[1:]
			if err := optimist.StatusError(status, 0, nil); err != nil {
				return optimist.Truth[string]{}, err
			}
			return optimist.TruthOf(c.Args, 2), nil
		},
	})
	names.Receive("1", optimist.TruthOf("Ann", 1))

	h, _ := rename.Execute(ctx, "1", "Anna")
	r, _ := h.Wait(ctx)
	fmt.Println(r.Outcome, names.View("1").Value)

	key = ""
	h, _ = rename.Execute(ctx, "1", "root")
	r, _ = h.Wait(ctx)
	var failed *optimist.SendError
	fmt.Println(r.Outcome, names.View("1").Value, errors.As(r.Err, &failed) && failed.Class == optimist.Permanent)
	m.Close(ctx)
	// Output:
	// attempt 1 same key: true
	// attempt 2 same key: true
	// attempt 3 same key: true
	// confirmed Anna
	// attempt 1 same key: true
	// rolled back Anna true
}
