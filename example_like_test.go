package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A first optimistic like: it shows at once, is sent once, and ends as the server
// says.
func Example_like() {
	ctx := context.Background()
	type Post struct {
		Likes int
		Liked bool // by the user of this client
	}
	sendLike := func(_ context.Context, key, id string, on bool) (Post, uint64, error) { // a server
		return Post{Likes: 10, Liked: on}, 2, nil // others have liked it, too
	}

	setLiked := func(p Post, user string, on bool) Post {
		if on {
			return Post{Likes: p.Likes + 1, Liked: true}
		}
		return Post{Likes: p.Likes - 1}
	}

	m, _ := optimist.New(optimist.Options{}) // an error says which option cannot work
	posts := optimist.NewStore[Post](m, "post")
	like := optimist.RegisterToggle(posts, optimist.Toggle[Post]{
		Type: "like",
		Get:  func(p Post, user string) bool { return p.Liked },
		Set:  setLiked,
		Send: func(ctx context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[Post], error) {
			post, version, err := sendLike(ctx, c.ID, c.Entity, c.Args.On) // c.ID is the idempotency key
			return optimist.TruthOf(post, version), err
		},
	})
	posts.Receive("42", optimist.TruthOf(Post{Likes: 3}, 1)) // what the server said before
	h, err := like.Toggle(ctx, "42", "ann")
	fmt.Println("at once:", posts.View("42").Value.Likes, err)
	r, err := h.Wait(ctx)
	fmt.Println("settled:", posts.View("42").Value.Likes, r.Outcome, err)

	m.Close(ctx)
	// Output:
	// at once: 4 <nil>
	// settled: 10 confirmed <nil>
}
