package optimist_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
)

// A first optimistic like: it shows at once, is sent once, and ends as the server
// says.
func Example_like() {
	defer startServer()()
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

// likeRequest asks for the wanted state and never for a toggle. Its idempotency key is added
// to it.
func likeRequest(c optimist.Call[optimist.Switched]) (*http.Request, error) {
	return httpsend.JSON(http.MethodPut, serverURL+"/posts/"+c.Entity+"/like", c.Args.On)
}

// postTruth reads the state in an answer, and its version in the ETag.
func postTruth(a httpsend.Answer) (optimist.Truth[Post], error) {
	var p Post
	err := json.Unmarshal(a.Body, &p)
	return optimist.TruthOf(p, a.Version()), err
}

// serverURL is of a server on which others have liked the post, too.
var serverURL string

func startServer() (stop func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := Post{Likes: 10}
		if err := json.NewDecoder(r.Body).Decode(&p.Liked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("ETag", `"2"`)
		json.NewEncoder(w).Encode(p)
	}))
	serverURL = server.URL
	return server.Close
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
		Send: httpsend.Send(nil, likeRequest, postTruth), // over http.DefaultClient
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
