package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
)

// The imperative door is for state that lives elsewhere: the program makes the change
// and says how to undo it.
func Example_closures() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})

	// The program's own state. Closures of one entity never run at the same time.
	liked, count := false, 3

	tap := func(server error) *optimist.Handle {
		h, _ := m.ExecuteToggle(ctx, optimist.ToggleUpdate{
			Type: "like", Entity: "post:42", User: "ann",
			Current: func() bool { return liked },
			Apply: func(on bool) (rollback func()) {
				wasLiked, wasCount := liked, count
				if liked = on; on {
					count++
				} else {
					count--
				}
				return func() { liked, count = wasLiked, wasCount }
			},
			Send: func(_ context.Context, on bool) (bool, error) { return on, server },
			OnChange: func(on bool, r optimist.Result) {
				fmt.Println("settled:", on, r.Type, r.Outcome)
			},
			Policy: optimist.Policy{Debounce: optimist.Debounce{Wait: optimist.NoDebounce}},
		})
		return h
	}

	tap(nil)
	m.Flush(ctx) // waits for the callbacks as well
	fmt.Println(liked, count)

	tap(optimist.Fail(optimist.Permanent, errors.New("403")))
	m.Flush(ctx)
	fmt.Println(liked, count)
	m.Close(ctx)
	// Output:
	// settled: true like confirmed
	// true 4
	// settled: true unlike rolled back
	// true 4
}

// Execute is the same for a change that is not a toggle.
func ExampleManager_Execute() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	var comments []string

	h, _ := m.Execute(ctx, optimist.Update{
		Type: "comment", Entity: "post:42",
		Apply: func() (rollback func()) {
			before := comments
			comments = append(comments, "first!")
			return func() { comments = before }
		},
		Send:    func(context.Context) error { return optimist.StatusError(422, 0, errors.New("too short")) },
		OnError: func(r optimist.Result) { fmt.Println(r.Err) },
	})
	h.Wait(ctx)
	m.Close(ctx)
	fmt.Println(len(comments), "comments")
	// Output:
	// comment of post:42, after 1 call: permanent: too short
	// 0 comments
}
