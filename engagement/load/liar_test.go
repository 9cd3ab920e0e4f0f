package load_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/load"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/wire"
)

// liar is a server that does wrong: lie may answer a request instead of it, and
// reports whether it did.
type liar struct {
	store engagement.Store
	api   http.Handler
	lie   func(l *liar, w http.ResponseWriter, r *http.Request) bool
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !l.lie(l, w, r) {
		l.api.ServeHTTP(w, r)
	}
}

// truth answers with how things stand, as if that were the outcome of an operation.
func (l *liar) truth(w http.ResponseWriter, r *http.Request, post string) bool {
	r = r.Clone(r.Context())
	r.Method, r.URL.Path, r.Body = "GET", "/v1/posts/"+post, http.NoBody
	l.api.ServeHTTP(w, r)
	return true
}

func postIn(r *http.Request) string { return strings.Split(r.URL.Path, "/")[3] }

// lies are the ways to be wrong, and the counts that a run must find.
var lies = map[string]struct {
	lie  func(l *liar, w http.ResponseWriter, r *http.Request) bool
	find func(r *load.Report) bool
}{
	"none": {
		func(*liar, http.ResponseWriter, *http.Request) bool { return false },
		func(r *load.Report) bool { return r.Held && r.OK() },
	},
	"a like goes on and off again under another key": {
		func(l *liar, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "PUT" && strings.HasSuffix(r.URL.Path, "/like") {
				l.apply(engagement.Operation{Kind: engagement.LikePost, Post: postIn(r)})
				l.apply(engagement.Operation{Kind: engagement.UnlikePost, Post: postIn(r)})
			}
			return false
		},
		func(r *load.Report) bool { return r.Duplicates > 0 && r.Lost == 0 && r.Divergence == 0 },
	},
	"a comment comes twice": {
		func(l *liar, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "PUT" && strings.Contains(r.URL.Path, "/comments/") {
				l.apply(engagement.Operation{Kind: engagement.CreateComment, Post: postIn(r), Comment: engagement.NewID(), Text: "again"})
			}
			return false
		},
		func(r *load.Report) bool { return r.Duplicates > 0 && r.Lost == 0 && r.Divergence == 0 },
	},
	"a post comes twice": {
		func(l *liar, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "POST" && r.URL.Path == "/v1/posts" {
				l.apply(engagement.Operation{Kind: engagement.CreatePost, Post: engagement.NewID(), Text: "again"})
			}
			return false
		},
		func(r *load.Report) bool { return r.Duplicates > 0 && r.Lost == 0 && r.Divergence == 0 },
	},
	"likes are forgotten": {
		func(l *liar, w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/like") && l.truth(w, r, postIn(r))
		},
		func(r *load.Report) bool { return r.Lost > 0 && r.Duplicates == 0 && r.Divergence == 0 },
	},
	"posts are forgotten": {
		func(l *liar, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "POST" || r.URL.Path != "/v1/posts" {
				return false
			}
			data, _ := io.ReadAll(r.Body)
			post, _ := wire.DecodeNewPost(data)
			state := &wire.PostState{Post: wire.Post{ID: post.ID, Text: post.Text, Author: "load0"}, Comments: []wire.Comment{}}
			json.NewEncoder(w).Encode(wire.Outcome{Truth: wire.Truth{ID: post.ID, State: state, Version: 1}})
			return true
		},
		func(r *load.Report) bool { return r.Lost > 0 && r.Duplicates == 0 && r.Divergence > 0 },
	},
	"deleted posts stay": {
		func(l *liar, w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "DELETE" || strings.Count(r.URL.Path, "/") != 3 {
				return false
			}
			truth, _ := l.store.Truth(r.Context(), postIn(r), "")
			json.NewEncoder(w).Encode(wire.Outcome{Truth: wire.Truth{ID: postIn(r), Version: truth.Post.Version + 1}})
			return true
		},
		func(r *load.Report) bool { return r.Lost > 0 && r.Duplicates == 0 && r.Divergence > 0 },
	},
	"the feed counts wrong": {
		func(l *liar, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/posts" || r.Method != "GET" {
				return false
			}
			answer := httptest.NewRecorder()
			l.api.ServeHTTP(answer, r)
			w.Write(bytes.ReplaceAll(answer.Body.Bytes(), []byte(`"likesCount":`), []byte(`"likesCount":1`)))
			return true
		},
		func(r *load.Report) bool { return r.Divergence > 0 && r.Duplicates == 0 && r.Lost == 0 },
	},
}

// newLiar returns the address of a liar with ten posts.
func newLiar(t *testing.T, lie func(*liar, http.ResponseWriter, *http.Request) bool) string {
	store, err := sqlstore.Open(t.Context(), sqlstore.Memory, sqlstore.Options{User: httpapi.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	api, err := httpapi.New(t.Context(), store, store.Kit(), httpapi.Options{Rate: -1})
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{store, api, lie}
	for range 10 {
		l.apply(engagement.Operation{Kind: engagement.CreatePost, Post: engagement.NewID(), Text: "a post"})
	}
	server := httptest.NewServer(l)
	t.Cleanup(func() {
		api.Drain()
		server.Close()
		store.Close()
	})
	return server.URL
}

// apply does something that no client has asked for.
func (l *liar) apply(op engagement.Operation) {
	op.Key, op.User = engagement.NewID(), "nobody"
	op.Stamp = engagement.Stamp{At: wire.NewStamp(time.Now().UnixMilli(), 0), Client: "liar"}
	l.store.Apply(context.Background(), op)
}

// TestLiesAreFound: a run says so when the server is wrong, and how.
func TestLiesAreFound(t *testing.T) {
	for name, test := range lies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := load.Run(t.Context(), load.Config{URLs: []string{newLiar(t, test.lie)}, Clients: 2, Taps: 200, Think: -1})
			if err != nil {
				t.Fatal(err)
			}
			if !test.find(report) || report.Held != report.OK() || report.Held != (name == "none") {
				t.Errorf("%+v", report)
			}
		})
	}
}
