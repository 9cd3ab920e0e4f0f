package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
)

// Truth that arrives under a pending change replaces what lies below it, and the
// change stays on top. Truth older than what is held changes nothing.
func Example_push() {
	ctx := context.Background()
	type Post struct {
		Title string
		Likes int
	}
	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[Post](m, "post")
	answer := make(chan error)
	rename := optimist.Register(posts, optimist.Mutation[Post, string]{
		Type:  "rename",
		Apply: func(p Post, title string) (Post, error) { p.Title = title; return p, nil },
		Send: func(context.Context, optimist.Call[string]) (optimist.Truth[Post], error) {
			return optimist.Truth[Post]{}, <-answer
		},
	})
	posts.Receive("1", optimist.TruthOf(Post{"old", 1}, 5))

	h, _ := rename.Execute(ctx, "1", "new")
	posts.Receive("1", optimist.TruthOf(Post{"old", 9}, 7)) // a push: others liked it
	fmt.Println(posts.View("1").Value)
	posts.Receive("1", optimist.TruthOf(Post{"old", 3}, 6)) // one that was late
	fmt.Println(posts.View("1").Value)

	answer <- optimist.Fail(optimist.Permanent, errors.New("locked"))
	h.Wait(ctx)
	fmt.Println(posts.View("1").Value)
	m.Close(ctx)
	// Output:
	// {new 9}
	// {new 9}
	// {old 9}
}
