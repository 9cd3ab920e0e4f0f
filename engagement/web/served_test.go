//go:build !js

package web

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// firstFor reads the data that the server puts into the page of the signed-in user.
func (s *stage) firstFor() *wire.First {
	s.t.Helper()
	session, err := client.CurrentSession(s.t.Context(), s.wires)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := s.wires.RoundTrip(s.t.Context(), client.Request{Method: "GET", Path: "/v1/posts?limit=20"})
	if err != nil {
		s.t.Fatal(err)
	}
	page, err := wire.DecodePage(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return &wire.First{Session: session, Page: page}
}

// readsOf counts reads of the feed.
type readsOf struct {
	client.Transport
	feed atomic.Int32
}

func (r *readsOf) RoundTrip(ctx context.Context, q client.Request) (client.Response, error) {
	if q.Method == "GET" && strings.HasPrefix(q.Path, "/v1/posts?") {
		r.feed.Add(1)
	}
	return r.Transport.RoundTrip(ctx, q)
}

// begin opens a page of the household with the server's content on it.
func (s *stage) begin(p *household, first *wire.First, early ...Action) (*stage, *readsOf) {
	reads := &readsOf{Transport: s.wires}
	return s.beginOver(reads, p, Hooks{First: first}, early...), reads
}

func (s *stage) beginOver(tr client.Transport, p *household, hooks Hooks, early ...Action) *stage {
	other := &stage{t: s.t, board: newBoard(), woken: make(chan struct{}, 1), server: s.server, wires: s.wires}
	pg := &windowOf{household: p}
	hooks.Wake, hooks.Shared, hooks.Journal = other.wake, pg, pg.journal
	other.App = NewApp(tr, hooks)
	pg.app = other.App
	for _, act := range early {
		form := act.Name == "post-add" || act.Name == "comment-add"
		if taken := other.Act(act); taken != form {
			s.t.Errorf("%s, early: taken: %v", act.Name, taken)
		}
	}
	other.Start()
	s.t.Cleanup(other.Stop)
	return other
}

// likeElsewhere likes a post as another user, on the server.
func (s *stage) likeElsewhere(post string) {
	s.t.Helper()
	_, err := s.server.Store().Apply(s.t.Context(), engagement.Operation{
		Key: engagement.NewID(), Kind: engagement.LikePost, User: "guest", Post: post,
		Stamp: engagement.Stamp{At: wire.NewStamp(time.Now().UnixMilli(), 0), Client: "elsewhere"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestServedContentIsTakenOver: the page begins from the posts that the server has put on
// it, reads none of them again, and counts neither the like that came after the content nor
// the early tap twice.
func TestServedContentIsTakenOver(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	post := first.enter("ada")
	first.close(p)
	served := s.firstFor()
	was, err := s.server.Store().Truth(t.Context(), post, "ada")
	if err != nil {
		t.Fatal(err)
	}
	s.likeElsewhere(post)

	page, reads := s.begin(p, served, Action{Name: "like", Post: post}, Action{Name: "comments", Post: post})
	page.until("the served posts", func(b *board) bool { return len(b.shown) == len(served.Page.Posts) })
	if (pressed(page.board.posts[post], "like") == "true") == was.Liked {
		t.Error("the early tap cannot be seen")
	}
	page.until("all saved", func(b *board) bool { return barSays("All saved")(b) && page.Unsettled() == 0 })
	want := was.Post.Likes + 2
	page.until("both likes", func(b *board) bool { return page.visit.service.Post(post).Value.LikesCount == want })
	now, err := s.server.Store().Truth(t.Context(), post, "ada")
	if err != nil || !now.Liked || now.Post.Likes != want {
		t.Errorf("the server has %d likes, by ada: %v; want %d; %v", now.Post.Likes, now.Liked, want, err)
	}
	if n := reads.feed.Load(); n != 0 {
		t.Errorf("the feed was read again, %d times", n)
	}
}

// TestServedContentOfAnotherUser: the content was for ada, and meanwhile kofi has signed
// in. Nothing of it stays, and its taps are refused in words.
func TestServedContentOfAnotherUser(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	post := first.enter("ada")
	served := s.firstFor()
	first.close(p)
	if _, err := client.SignIn(t.Context(), s.wires, "kofi"); err != nil {
		t.Fatal(err)
	}
	p.words[signedInKey], p.words[stayKey+"kofi"] = "kofi stay now", "stay" // as kofi's tab does
	page, reads := s.begin(p, served, Action{Name: "like", Post: post}, Action{Name: "post-add", Value: "precious words"})
	page.until("kofi's page", func(b *board) bool { return barSays("kofi")(b) && barSays("All saved")(b) && len(b.shown) > 5 })
	if reads.feed.Load() == 0 {
		t.Error("kofi sees the posts as ada does")
	}
	if n := page.board.regions["notices"]; page.Unsettled() != 0 || !has(n, "somebody else is signed in") || !has(n, "precious words") {
		t.Errorf("%d changes, and the page says %q", page.Unsettled(), n.words())
	}
}

// TestServedContentOfOneWhoLeaves: who was signing out when the last page was closed is
// not shown again, even if the server still knows the session.
func TestServedContentOfOneWhoLeaves(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	first.enter("ada")
	served := s.firstFor()
	first.close(p)
	p.words[leavingKey] = "ada"
	page, _ := s.begin(p, served)
	page.draw()
	if barSays("ada")(page.board) || len(page.board.shown) > 0 {
		t.Error("ada's page is shown")
	}
	page.until("nobody's page", nobodys)
}

// TestServeIsThePage: the server's markup is what the page paints first.
func TestServeIsThePage(t *testing.T) {
	s, p := newStage(t), newHousehold()
	s.until("the feed", func(b *board) bool { return len(b.shown) > 5 && b.regions["sign-in"] != nil })
	for _, user := range []string{"", "ada"} {
		if user != "" {
			s.enter(user)
			p.words[signedInKey], p.words[stayKey+user] = user+" stay now", "stay"
		}
		served, now := s.firstFor(), time.Now()
		out := Serve(*served, now)
		page, _ := s.begin(p, served)
		page.until("the first paint", func(b *board) bool { return len(b.shown) > 5 })
		var feed strings.Builder
		for _, id := range page.board.shown {
			feed.WriteString(page.board.posts[id].HTML())
		}
		for _, x := range []struct{ part, got, want string }{
			{"feed", out.Feed, feed.String()},
			{"sign-in", out.SignIn, markup(page.board.regions["sign-in"])},
			{"write", out.Write, markup(page.board.regions["write"])},
			{"end", out.End, markup(page.board.regions["end"])},
			{"tabs", out.Tabs, markup(page.board.regions["tabs"])},
			{"lab", out.Lab, markup(page.board.regions["lab"])},
		} {
			if x.got != x.want {
				t.Errorf("%q, %s: the server shows\n%s\nand the page\n%s", user, x.part, x.got, x.want)
			}
		}
	}
}

func markup(n *Node) string {
	if n == nil {
		return ""
	}
	return n.HTML()
}
