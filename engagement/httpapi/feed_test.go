package httpapi_test

import (
	"context"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/wire"
)

// fullPost makes a post with as many comments as a truth shows, each of the text.
func (s *server) fullPost(comments int, text string) string {
	s.tb.Helper()
	apply := func(op engagement.Operation) {
		op.Key, op.User, op.Stamp = freshKey(), "ada", engagement.Stamp{At: stampAt(0), Client: "phone"}
		if _, err := s.store.Apply(context.Background(), op); err != nil {
			s.tb.Fatal(err)
		}
	}
	post := engagement.NewID()
	apply(engagement.Operation{Kind: engagement.CreatePost, Post: post, Text: "hello"})
	for range comments {
		apply(engagement.Operation{Kind: engagement.CreateComment, Post: post, Comment: engagement.NewID(), Text: text})
	}
	return post
}

// TestPagesHaveABudget: each < is one byte of the text and six of the answer.
func TestPagesHaveABudget(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{Rate: -1}})
	want := make(map[string]bool)
	for range 4 {
		want[s.fullPost(wire.MaxComments, strings.Repeat("<", wire.MaxCommentText))] = true
	}
	for path := "/v1/posts?limit=100"; path != ""; {
		r := s.anonymous().do("GET", path, "", nil)
		r.want(200, "")
		if len(r.body) > wire.MaxPageBytes+200 {
			t.Fatalf("a page of %d bytes", len(r.body))
		}
		page, err := wire.DecodePage(r.body)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "posts", len(page.Posts), 1)
		for _, p := range page.Posts {
			delete(want, p.ID)
		}
		path = ""
		if page.Next != "" {
			path = "/v1/posts?limit=100&cursor=" + page.Next
		}
	}
	equal(t, "posts on no page", len(want), 0)
}

// TestCommentPagesAreBounded by their number alone: clients take twice a page.
func TestCommentPagesAreBounded(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{Rate: -1}})
	post := s.fullPost(wire.MaxPage, strings.Repeat("<", wire.MaxCommentText))
	r := s.anonymous().do("GET", "/v1/posts/"+post+"/comments?limit=100", "", nil)
	r.want(200, "")
	if len(r.body) > 2*wire.MaxPageBytes {
		t.Fatalf("a page of %d bytes", len(r.body))
	}
}
