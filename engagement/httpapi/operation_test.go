package httpapi_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/wire"
)

func TestLikeCycle(t *testing.T) {
	s := start(t, setup{})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	post := ada.newPost("hello")

	for _, kind := range []string{"/like", "/save"} {
		version := bob.truth(post).Version
		key := freshKey()
		o := bob.operate(key, "PUT", post+kind, stampAt(0), nil).outcome(200)
		equal(t, "version", o.Version, version+1)
		equal(t, "mine", map[string]bool{"/like": o.State.Liked, "/save": o.State.Saved}[kind], true)
		equal(t, "already", o.Already, false)
		equal(t, "newest key contained", o.Contains[len(o.Contains)-1], key)
		if o.ChangedAt == 0 {
			t.Fatal("changedAt is missing")
		}
		o = bob.operate(freshKey(), "PUT", post+kind, stampAt(1), nil).outcome(200)
		equal(t, "already", o.Already, true)
		equal(t, "version", o.Version, version+1)
		o = ada.operate(freshKey(), "PUT", post+kind, stampAt(0), nil).outcome(200)
		equal(t, "count", map[string]int{"/like": o.State.LikesCount, "/save": o.State.SavesCount}[kind], 2)
		o = bob.operate(freshKey(), "DELETE", post+kind, stampAt(2), nil).outcome(200)
		equal(t, "count", map[string]int{"/like": o.State.LikesCount, "/save": o.State.SavesCount}[kind], 1)
		equal(t, "mine", map[string]bool{"/like": o.State.Liked, "/save": o.State.Saved}[kind], false)
	}
	anybody := s.anonymous().truth(post)
	equal(t, "likes seen by anybody", anybody.State.LikesCount, 1)
	equal(t, "liked by anybody", anybody.State.Liked, false)
	equal(t, "keys shown to anybody", len(anybody.Contains), 0)
}

func TestOlderOperationConflicts(t *testing.T) {
	s := start(t, setup{})
	phone, desk := s.signIn("ada"), s.signIn("ada")
	desk.device = "desk"
	post := phone.newPost("hello")
	now := stampAt(0)
	phone.operate(freshKey(), "PUT", post+"/like", now, nil).outcome(200)
	desk.operate(freshKey(), "DELETE", post+"/like", now+10, nil).outcome(200)

	key := freshKey()
	p := phone.operate(key, "PUT", post+"/like", now+5, nil).want(409, wire.ProblemConflict)
	equal(t, "winner", *p.Winner, wire.Winner{At: now + 10, Client: "desk"})
	equal(t, "truth", p.Truth.State.Liked, false)
	equal(t, "truth's version", p.Truth.Version, 3)

	// The conflict left nothing under its key: it may be sent again, made later.
	phone.operate(key, "PUT", post+"/like", now+5, nil).want(409, wire.ProblemConflict)
	o := phone.operate(key, "PUT", post+"/like", now+20, nil)
	equal(t, "liked at last", o.outcome(200).State.Liked, true)
	equal(t, "replayed", o.replayed(), false)

	// Between equal moments the greater client wins: phone > desk.
	desk.operate(freshKey(), "DELETE", post+"/like", now+20, nil).want(409, wire.ProblemConflict)
	phone.device = "tablet"
	phone.operate(freshKey(), "DELETE", post+"/like", now+20, nil).outcome(200)
}

// TestActsOfTheFutureCountAsOfNow: a device whose clock is ahead can act, and wins
// over nothing that comes later.
func TestActsOfTheFutureCountAsOfNow(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := start(t, setup{options: httpapi.Options{Now: clock.Now}})
	phone, desk := s.signIn("ada"), s.signIn("ada")
	desk.device = "desk"
	post := phone.newPost("hello")
	for _, at := range []wire.Stamp{stampAt(5 * 60 * 1000), stampAt(24 * 3600 * 1000), math.MaxInt64} {
		key := freshKey()
		clock.advance(time.Second)
		arrived := clock.Now().UnixMilli()
		o := phone.operate(key, "PUT", post+"/like", at, nil).outcome(200)
		equal(t, "changed at", o.ChangedAt, arrived)
		p := desk.operate(freshKey(), "DELETE", post+"/like", stampAt(-1000), nil).want(409, wire.ProblemConflict)
		equal(t, "winner", *p.Winner, wire.Winner{At: wire.NewStamp(arrived, 0), Client: "phone"})
		clock.advance(time.Second)
		desk.operate(freshKey(), "DELETE", post+"/like", wire.NewStamp(clock.Now().UnixMilli(), 0), nil).outcome(200)
		again := phone.operate(key, "PUT", post+"/like", at, nil)
		equal(t, "replayed", again.replayed(), true)
		equal(t, "liked in the end", again.outcome(200).State.Liked, false)
	}
}

func TestCommentCycle(t *testing.T) {
	s := start(t, setup{})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	post := ada.newPost("hello")
	comment := post + "/comments/" + engagement.NewID()
	markup := `<script>alert("no")</script>`

	r := bob.operate(freshKey(), "PUT", comment, stampAt(0), map[string]any{"text": markup})
	o := r.outcome(201)
	equal(t, "location", r.header.Get("Location"), comment)
	equal(t, "text", o.State.Comments[0].Text, markup)
	equal(t, "author", o.State.Comments[0].Author, "bob")
	equal(t, "count", o.State.CommentsCount, 1)
	o = bob.operate(freshKey(), "PUT", comment, stampAt(1), map[string]any{"text": markup}).outcome(200)
	equal(t, "already", o.Already, true)
	p := bob.operate(freshKey(), "PUT", comment, stampAt(1), map[string]any{"text": "other"}).want(409, wire.ProblemConflict)
	equal(t, "truth", p.Truth.State.CommentsCount, 1)

	o = bob.operate(freshKey(), "PATCH", comment, stampAt(10), map[string]any{"text": "better"}).outcome(200)
	equal(t, "text", o.State.Comments[0].Text, "better")
	if o.State.Comments[0].EditedAt == 0 {
		t.Fatal("editedAt is missing")
	}
	p = bob.operate(freshKey(), "PATCH", comment, stampAt(-5000), map[string]any{"text": "late"}).want(409, wire.ProblemConflict)
	equal(t, "winner's client", p.Winner.Client, "phone")
	ada.operate(freshKey(), "PATCH", comment, stampAt(20), map[string]any{"text": "mine"}).want(403, wire.ProblemForbidden)
	ada.operate(freshKey(), "DELETE", comment, stampAt(20), nil).want(403, wire.ProblemForbidden)

	o = bob.operate(freshKey(), "DELETE", comment, stampAt(30), nil).outcome(200)
	equal(t, "count", o.State.CommentsCount, 0)
	equal(t, "list", len(o.State.Comments), 0)
	equal(t, "already", bob.operate(freshKey(), "DELETE", comment, stampAt(31), nil).outcome(200).Already, true)
	p = bob.operate(freshKey(), "PATCH", comment, stampAt(40), map[string]any{"text": "again"}).want(410, wire.ProblemGone)
	equal(t, "truth", p.Truth.State.CommentsCount, 0)
	p = bob.operate(freshKey(), "PATCH", post+"/comments/"+engagement.NewID(), stampAt(40), map[string]any{"text": "x"}).want(404, wire.ProblemNotFound)
	if p.Truth == nil {
		t.Fatal("the post is there, its truth must be too")
	}
}

func TestDeletedPost(t *testing.T) {
	s := start(t, setup{})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	post := ada.newPost("hello")
	comment := post + "/comments/" + engagement.NewID()
	bob.operate(freshKey(), "PUT", comment, stampAt(0), map[string]any{"text": "hi"}).outcome(201)
	bob.operate(freshKey(), "DELETE", post, stampAt(0), nil).want(403, wire.ProblemForbidden)
	o := ada.operate(freshKey(), "DELETE", post, stampAt(0), nil).outcome(200)
	if o.State != nil || o.Version != 3 {
		t.Fatalf("truth of a deleted post: %+v", o.Truth)
	}
	for _, r := range []reply{
		bob.do("GET", post, "", nil),
		bob.operate(freshKey(), "PUT", post+"/like", stampAt(0), nil),
		bob.operate(freshKey(), "PUT", post+"/comments/"+engagement.NewID(), stampAt(0), map[string]any{"text": "hi"}),
		bob.do("GET", post+"/comments", "", nil),
	} {
		p := r.want(410, wire.ProblemGone)
		if p.Truth == nil || p.Truth.State != nil || p.Truth.Version != 3 {
			t.Fatalf("%s: truth %+v", r.what, p.Truth)
		}
	}
	equal(t, "already", ada.operate(freshKey(), "DELETE", post, stampAt(0), nil).outcome(200).Already, true)
	page, err := wire.DecodePage(bob.do("GET", "/v1/posts", "", nil).body)
	if err != nil || len(page.Posts) != 0 {
		t.Fatalf("%+v, %v", page, err)
	}
}

func TestPages(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	const made = 5
	var post string
	for i := range made {
		post = ada.newPost(fmt.Sprint("post ", i))
	}
	var texts []string
	next := ""
	for {
		page, err := wire.DecodePage(ada.do("GET", "/v1/posts?limit=2&cursor="+next, "", nil).body)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Posts {
			texts = append(texts, p.State.Text)
		}
		equal(t, "position", page.After, s.at(made))
		if next = page.Next; next == "" {
			break
		}
	}
	equal(t, "posts", fmt.Sprint(texts), "[post 4 post 3 post 2 post 1 post 0]")

	for i := range wire.MaxComments + 3 {
		ada.operate(freshKey(), "PUT", post+"/comments/"+engagement.NewID(), stampAt(0), map[string]any{"text": fmt.Sprint(i)}).outcome(201)
	}
	truth := ada.truth(post)
	equal(t, "in truth", len(truth.State.Comments), wire.MaxComments)
	equal(t, "oldest in truth", truth.State.Comments[0].Text, "3")
	older, err := wire.DecodeCommentPage(ada.do("GET", post+"/comments?cursor="+truth.State.Older, "", nil).body)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "before", len(older.Comments), 3)
	equal(t, "first of all", older.Comments[0].Text, "0")
	equal(t, "none before", older.Older, "")
}
