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
	type comment struct {
		Text  string
		Likes int // the server counts them
	}
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	comments := optimist.NewStore[comment](m, "comment")
	post := optimist.Register(comments, optimist.Mutation[comment, string]{
		Type: "post", Kind: optimist.Create,
		Apply: func(c comment, text string) (comment, error) {
			c.Text = text // and nothing else: the likes are the server's
			return c, nil
		},
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[comment], error) {
			if len(c.Args) > 10 {
				return optimist.Truth[comment]{}, optimist.Fail(optimist.Permanent, errors.New("too long"))
			}
			return optimist.TruthOf(comment{Text: c.Args}, 1), nil
		},
		Policy: optimist.Policy{Failure: optimist.Park},
	})

	h, _ := post.Execute(ctx, "c1", "much too long")
	m.Flush(ctx) // until everything is settled or parked
	v := comments.View("c1")
	fmt.Printf("%q %d parked, %v\n", v.Value.Text, v.Parked, h.State())

	edited, _ := post.Edit(h, "short")
	r, _ := edited.Wait(ctx)
	fmt.Printf("%q %v\n", comments.View("c1").Value.Text, r.Outcome)

	h, _ = post.Execute(ctx, "c2", "again too long")
	m.Flush(ctx)
	h.Discard()
	r, _ = h.Wait(ctx)
	fmt.Printf("%q %v\n", comments.View("c2").Value.Text, r.Outcome)
	m.Close(ctx)
	// Output:
	// "much too long" 1 parked, parked
	// "short" confirmed
	// "" cancelled
}
