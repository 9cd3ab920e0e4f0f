package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// Offline, changes show and nothing is sent. On return they leave in order, and no
// attempt was spent.
func Example_offline() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	logs := optimist.NewStore[string](m, "log")
	write := optimist.Register(logs, optimist.Mutation[string, string]{
		Type:  "write",
		Apply: func(log, line string) (string, error) { return log + line + ";", nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			fmt.Println("sent", c.Args, "at attempt", c.Number)
			return optimist.Truth[string]{}, nil
		},
	})
	logs.Receive("1", optimist.TruthOf("", 0))

	m.SetOnline(false) // from the browser's event, say
	write.Execute(ctx, "1", "one")
	h, _ := write.Execute(ctx, "1", "two")
	v := logs.View("1")
	fmt.Println(v.Value, v.Pending, "pending,", h.State())

	m.SetOnline(true)
	r, _ := h.Wait(ctx)
	fmt.Println(logs.View("1").Value, r.Outcome, m.PendingCount("log:1"), "pending")
	m.Close(ctx)
	// Output:
	// one;two; 2 pending, waiting
	// sent one at attempt 1
	// sent two at attempt 1
	// one;two; confirmed 0 pending
}
