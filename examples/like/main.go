// Command like is a complete first optimistic like over real HTTP: the server is busy at
// the first request, and the second answer gets lost on its way.
//
//	go run ./examples/like
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/optimist-go/optimist"
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

	posts := optimist.NewStore[Post](m, "post")
	like := optimist.RegisterToggle(posts, optimist.Toggle[Post]{
		Type: "like",
		Get:  func(p Post, user string) bool { return p.Liked },
		Set:  setLiked,
		Send: func(ctx context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[Post], error) {
			fmt.Println("attempt", c.Number)
			p, err := sendLike(ctx, url, c)
			return optimist.TruthOf(p, p.Version), err
		},
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

// sendLike asks for the wanted state and never for a toggle, with the same key on each
// attempt.
func sendLike(ctx context.Context, url string, c optimist.Call[optimist.Switched]) (p Post, err error) {
	method := http.MethodDelete
	if c.Args.On {
		method = http.MethodPut
	}
	request, err := http.NewRequestWithContext(ctx, method, url+"/posts/"+c.Entity+"/like", nil)
	if err != nil {
		return p, optimist.Fail(optimist.Permanent, err)
	}
	request.Header.Set("Idempotency-Key", c.ID)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return p, optimist.Fail(classOf(err), err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return p, optimist.StatusError(response.StatusCode, time.Duration(seconds)*time.Second, errors.New(response.Status))
	}
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
		return p, optimist.Fail(optimist.Unknown, err) // the answer broke off
	}
	return p, nil
}

// classOf returns the class of a call without answer. Without a connection nothing was
// sent; every other request may have arrived.
func classOf(err error) optimist.Class {
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		return optimist.Offline
	}
	return optimist.Unknown
}
