package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A parked operation failed and stays on the screen, marked, until a person decides:
// retry, edit or discard. Nobody's text is lost.
func Example_park() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	comments := optimist.NewStore[string](m, "comment")
	post := optimist.Register(comments, optimist.Mutation[string, string]{
		Type: "post", Kind: optimist.Create,
		Apply: func(_, text string) (string, error) { return text, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			if len(c.Args) > 10 {
				return optimist.Truth[string]{}, optimist.Fail(optimist.Permanent, errors.New("too long"))
			}
			return optimist.TruthOf(c.Args, 1), nil
		},
		Policy: optimist.Policy{Failure: optimist.Park},
	})

	h, _ := post.Execute(ctx, "c1", "much too long")
	m.Flush(ctx) // until everything is settled or parked
	v := comments.View("c1")
	fmt.Printf("%q %d parked, %v\n", v.Value, v.Parked, h.State())

	edited, _ := post.Edit(h, "short")
	r, _ := edited.Wait(ctx)
	fmt.Printf("%q %v\n", comments.View("c1").Value, r.Outcome)

	h, _ = post.Execute(ctx, "c2", "again too long")
	m.Flush(ctx)
	h.Discard()
	r, _ = h.Wait(ctx)
	fmt.Printf("%q %v\n", comments.View("c2").Value, r.Outcome)
	m.Close(ctx)
	// Output:
	// "much too long" 1 parked, parked
	// "short" confirmed
	// "" cancelled
}
