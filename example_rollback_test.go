package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/optimist-go/optimist"
)

// When the first of a chain fails, it is as if it had never been: the others stay,
// applied to what was before it. One whose precondition no longer holds goes with it.
func Example_chainedRollback() {
	ctx := context.Background()
	answer := make(chan error)

	m, _ := optimist.New(optimist.Options{})
	lists := optimist.NewStore[[]string](m, "list")
	send := func(_ context.Context, c optimist.Call[string]) (optimist.Truth[[]string], error) {
		return optimist.Truth[[]string]{}, <-answer // as predicted, when it is nil
	}
	add := optimist.Register(lists, optimist.Mutation[[]string, string]{
		Type:  "add",
		Apply: func(l []string, item string) ([]string, error) { return append(slices.Clone(l), item), nil },
		Send:  send,
	})
	check := optimist.Register(lists, optimist.Mutation[[]string, string]{
		Type: "check",
		Guard: func(l []string, item string) error {
			if !slices.Contains(l, item) {
				return errors.New("there is no " + item)
			}
			return nil
		},
		Apply: func(l []string, item string) ([]string, error) {
			l = slices.Clone(l)
			l[slices.Index(l, item)] += "!"
			return l, nil
		},
		Send: send,
	})
	lists.Receive("1", optimist.TruthOf([]string{"milk"}, 1))

	h1, _ := add.Execute(ctx, "1", "tea")
	h2, _ := add.Execute(ctx, "1", "jam")
	h3, _ := check.Execute(ctx, "1", "tea")
	fmt.Println(lists.View("1").Value)

	answer <- optimist.Fail(optimist.Permanent, errors.New("no tea")) // for the first
	r1, _ := h1.Wait(ctx)
	r3, _ := h3.Wait(ctx)
	fmt.Println(lists.View("1").Value, r1.Outcome, r3.Outcome, errors.Is(r3.Err, optimist.ErrGuard))

	answer <- nil // for the second
	r2, _ := h2.Wait(ctx)
	fmt.Println(lists.View("1").Value, r2.Outcome)
	m.Close(ctx)
	// Output:
	// [milk tea! jam]
	// [milk jam] rolled back rolled back true
	// [milk jam] confirmed
}
