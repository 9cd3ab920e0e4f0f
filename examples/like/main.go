// Command like is a complete first optimistic like over real HTTP: the server is busy at
// the first request, and the second answer gets lost on its way.
//
//	go run ./examples/like
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
)

// Post is the state of a post, on the screen and in the server's answers.
type Post struct {
	Likes   int
	Liked   bool // by the user of this client
	Version uint64
}

func main() {
	server := httptest.NewServer(&server{post: Post{Likes: 3, Version: 1}, seen: make(map[string]bool)})
	defer server.Close()
	if err := run(context.Background(), server.URL); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url string) error {
	m, err := optimist.New(optimist.Options{Policy: optimist.Policy{
		Retry: optimist.Retry{Base: 100 * time.Millisecond}, // so that you need not wait; the default is 1 s
	}})
	if err != nil {
		return err
	}
	defer m.Close(ctx)

	// A connection for each request, so that you see every attempt: net/http would repeat the
	// second one by itself.
	client := &httpsend.Client{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}

	posts := optimist.NewStore[Post](m, "post")
	like := optimist.RegisterToggle(posts, optimist.Toggle[Post]{
		Type: "like",
		Get:  func(p Post, user string) bool { return p.Liked },
		Set:  setLiked,
		Send: httpsend.Send(client, likeRequest(url), postTruth),
	})
	if err := m.Err(); err != nil { // an invalid definition
		return err
	}

	posts.Receive("42", optimist.TruthOf(Post{Likes: 3}, 1)) // the server's value, read before
	tap, err := like.Toggle(ctx, "42", "ann")
	if err != nil {
		return err
	}
	show("at once:", posts.View("42"))

	result, err := tap.Wait(ctx)
	if err != nil {
		return err
	}
	show("settled:", posts.View("42"))
	fmt.Println(result.Outcome, "after", result.Calls, "calls")
	return nil
}

func show(when string, v optimist.View[Post]) {
	fmt.Println(when, v.Value.Likes, "likes,", v.Pending, "pending")
}

// setLiked sets a state and is idempotent: it may be applied again over newer truth.
func setLiked(p Post, _ string, on bool) Post {
	if p.Liked != on {
		p.Liked = on
		if on {
			p.Likes++
		} else {
			p.Likes--
		}
	}
	return p
}

// likeRequest asks for the wanted state and never for a toggle.
func likeRequest(url string) func(optimist.Call[optimist.Switched]) (*http.Request, error) {
	return func(c optimist.Call[optimist.Switched]) (*http.Request, error) {
		fmt.Println("attempt", c.Number)
		method := http.MethodDelete
		if c.Args.On {
			method = http.MethodPut
		}
		return http.NewRequest(method, url+"/posts/"+c.Entity+"/like", nil)
	}
}

// postTruth reads the answer.
func postTruth(a httpsend.Answer) (optimist.Truth[Post], error) {
	var p Post
	err := json.Unmarshal(a.Body, &p)
	return optimist.TruthOf(p, p.Version), err
}
