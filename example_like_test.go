package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A first optimistic like: it shows at once, is sent once, and ends as the server
// says.
func Example_like() {
	if err := firstLike(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// at once: 4
	// settled: 10 confirmed <nil>
}

// Post is what the screen shows.
type Post struct {
	Likes int
	Liked bool // by the user of this client
}

func setLiked(p Post, user string, on bool) Post {
	if on {
		return Post{Likes: p.Likes + 1, Liked: true}
	}
	return Post{Likes: p.Likes - 1}
}

// sendLike stands for a request to a server, on which others have liked the post, too.
func sendLike(_ context.Context, key, id string, on bool) (Post, uint64, error) {
	return Post{Likes: 10, Liked: on}, 2, nil
}

func firstLike(ctx context.Context) error {
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		return err
	}
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
	posts.Receive("42", optimist.TruthOf(Post{Likes: 3}, 1)) // the server's value, read before

	tap, err := like.Toggle(ctx, "42", "ann")
	if err != nil {
		return err
	}
	fmt.Println("at once:", posts.View("42").Value.Likes) // 4

	result, err := tap.Wait(ctx)
	fmt.Println("settled:", posts.View("42").Value.Likes, result.Outcome, err) // 10 confirmed <nil>: others like it, too
	return m.Close(ctx)
}
