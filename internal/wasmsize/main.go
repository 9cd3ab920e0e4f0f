// Command wasmsize is the smallest program that uses the typed door. A test builds
// it for the browser and weighs the file.
package main

import (
	"context"

	"github.com/optimist-go/optimist"
)

type post struct {
	Likes int
	Mine  bool
}

func main() {
	ctx := context.Background()
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		println(err.Error())
		return
	}
	posts := optimist.NewStore[post](m, "post")
	like := optimist.RegisterToggle(posts, optimist.Toggle[post]{
		Type: "like",
		Get:  func(p post, _ string) bool { return p.Mine },
		Set: func(p post, _ string, on bool) post {
			if p.Mine = on; on {
				p.Likes++
			} else {
				p.Likes--
			}
			return p
		},
		Send: func(context.Context, optimist.Call[optimist.Switched]) (optimist.Truth[post], error) {
			return optimist.Truth[post]{}, nil
		},
	})
	posts.Receive("42", optimist.TruthOf(post{Likes: 3}, 1))
	if _, err := like.Toggle(ctx, "42", "ann"); err != nil {
		println(err.Error())
		return
	}
	println(posts.View("42").Value.Likes)
	if err := m.Close(ctx); err != nil {
		println(err.Error())
	}
}
