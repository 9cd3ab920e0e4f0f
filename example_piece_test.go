package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A server that pushes only what has changed names the version on which the change was
// made. When a push was lost the next one is refused, and the program reads the whole.
func ExampleStore_ReceivePiece() {
	ctx := context.Background()
	type Post struct {
		Title string
		Likes int
	}
	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[Post](m, "post")
	posts.Receive("1", optimist.TruthOf(Post{"hello", 1}, 5))

	likes := func(n int) func(Post) Post {
		return func(p Post) Post { p.Likes = n; return p }
	}
	err := posts.ReceivePiece("1", optimist.Piece[Post]{Follows: 5, Version: 6, Change: likes(2)})
	fmt.Println(posts.View("1").Value, err)

	err = posts.ReceivePiece("1", optimist.Piece[Post]{Follows: 7, Version: 8, Change: likes(4)}) // version 7 was lost
	if errors.Is(err, optimist.ErrGap) {
		err = posts.Refresh(ctx, "1", func(context.Context) (optimist.Truth[Post], error) {
			return optimist.TruthOf(Post{"hello again", 4}, 8), nil
		})
	}
	fmt.Println(posts.View("1").Value, err)
	m.Close(ctx)
	// Output:
	// {hello 2} <nil>
	// {hello again 4} <nil>
}
