package optimist_test

import (
	"context"
	"fmt"
	"time"

	"github.com/optimist-go/optimist"
)

// A merge rule says what becomes of two operations of one slot of which the first has
// not left. Here it is the table of MergeRule, for a comment.
func Example_merge() {
	type comment struct {
		Text  string
		Likes int // the server counts them
	}
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{Policy: optimist.Policy{Debounce: optimist.Debounce{Wait: time.Minute}}})
	comments := optimist.NewStore[comment](m, "comment")
	mutation := func(typ string, kind optimist.Kind) *optimist.Action[comment, string] {
		return optimist.Register(comments, optimist.Mutation[comment, string]{
			Type: typ, Kind: kind, Family: "comment",
			Slot: func(string) string { return "comment" },
			Apply: func(c comment, text string) (comment, error) {
				c.Text = text // and nothing else, also of a creation
				return c, nil
			},
			Send: func(_ context.Context, c optimist.Call[string]) (none optimist.Truth[comment], err error) {
				fmt.Println("sent:", typ, c.Entity, c.Args)
				return none, nil
			},
		})
	}
	create, edit := mutation("create", optimist.Create), mutation("edit", optimist.Change)
	remove := mutation("delete", optimist.Delete)

	optimist.Merge(create, edit, func(c, e *string) optimist.MergeRule { *c = *e; return optimist.TakeFirst })
	optimist.Merge(create, remove, func(_, _ *string) optimist.MergeRule { return optimist.Annihilate })
	optimist.Merge(edit, remove, func(_, _ *string) optimist.MergeRule { return optimist.TakeSecond })

	create.Execute(ctx, "a", "hello")
	edit.Execute(ctx, "a", "hello, world")
	fmt.Println("shown:", comments.View("a").Value.Text)
	m.Flush(ctx)

	create.Execute(ctx, "b", "oops")
	remove.Execute(ctx, "b", "")
	fmt.Println("shown:", comments.View("b").Presence)
	m.Flush(ctx)

	edit.Execute(ctx, "a", "bye")
	remove.Execute(ctx, "a", "")
	m.Flush(ctx)
	m.Close(ctx)
	// Output:
	// shown: hello, world
	// sent: create a hello, world
	// shown: not loaded
	// sent: delete a
}
