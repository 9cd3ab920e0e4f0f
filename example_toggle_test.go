package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// Quick taps fold. A burst that ends where the server already is costs no call, any
// other costs one.
func Example_toggle() {
	ctx := context.Background()
	calls := 0

	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[bool](m, "post") // whether it is saved, and no more
	save := optimist.RegisterToggle(posts, optimist.Toggle[bool]{
		Type: "save",
		Get:  func(saved bool, _ string) bool { return saved },
		Set:  func(_ bool, _ string, on bool) bool { return on },
		Send: func(_ context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[bool], error) {
			calls++
			return optimist.TruthOf(c.Args.On, uint64(calls)), nil
		},
	})
	posts.Receive("42", optimist.TruthOf(false, 0))

	for range 4 {
		save.Toggle(ctx, "42", "ann")
	}
	m.Flush(ctx) // do not wait for the debounce
	fmt.Println("four taps:", posts.View("42").Value, calls, "calls")

	for range 3 {
		save.Toggle(ctx, "42", "ann")
	}
	m.Flush(ctx)
	fmt.Println("three taps:", posts.View("42").Value, calls, "call")

	// Set makes sure of a state, whatever it was.
	h, _ := save.Set(ctx, "42", "ann", true)
	r, _ := h.Wait(ctx)
	fmt.Println("already so:", r.Outcome, r.Calls, "calls")

	m.Close(ctx)
	// Output:
	// four taps: false 0 calls
	// three taps: true 1 call
	// already so: confirmed 0 calls
}
