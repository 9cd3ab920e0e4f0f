//go:build !js

package web

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
)

// board is a canvas that records the painted parts.
type board struct {
	regions, posts map[string]*Node
	shown          []string
	focused        string
	drafts         map[string]string // by the name of the field
}

func newBoard() *board {
	return &board{regions: make(map[string]*Node), posts: make(map[string]*Node), drafts: make(map[string]string)}
}

func (b *board) region(name string, n *Node) { b.regions[name] = n }
func (b *board) post(id string, n *Node)     { b.posts[id] = n }
func (b *board) order(ids []string)          { b.shown = slices.Clone(ids) }
func (b *board) focus(name string)           { b.focused = name }
func (b *board) draft(name string) string    { return b.drafts[name] }

// stage is an App on a board, with the real server.
type stage struct {
	*App
	t      *testing.T
	board  *board
	woken  chan struct{}
	server *engaged.Main
	wires  *wires
}

// wires can be cut, and count streams.
type wires struct {
	client.Transport
	cut     atomic.Bool
	streams atomic.Int32
	wishes  atomic.Pointer[func(client.Response) client.Response] // changes the answers to wishes; nil: none
}

func (w *wires) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	if w.cut.Load() {
		return client.Response{}, client.ErrUnreachable
	}
	answer, err := w.Transport.RoundTrip(ctx, r)
	if change := w.wishes.Load(); change != nil && r.Method == "PUT" && r.Path == networkPath {
		answer = (*change)(answer)
	}
	return answer, err
}

func (w *wires) Stream(ctx context.Context, viewer string, after string, take func(client.Event)) error {
	if w.cut.Load() {
		return client.ErrUnreachable
	}
	w.streams.Add(1)
	defer w.streams.Add(-1)
	return w.Transport.Stream(ctx, viewer, after, take)
}

func newStage(t *testing.T) *stage {
	t.Helper()
	m := engaged.New()
	m.Stderr = io.Discard
	m.Config = engaged.Config{Addr: "127.0.0.1:0", DB: engaged.Memory, Demo: true, Rate: -1}
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	tr, err := nethttp.New(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, board: newBoard(), woken: make(chan struct{}, 1), server: m, wires: &wires{Transport: tr}}
	s.App = NewApp(s.wires, Hooks{Wake: s.wake})
	s.Start()
	t.Cleanup(func() {
		s.Stop()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *stage) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *stage) draw() {
	s.paint(s.board, time.Now(), func() bool { return true })
}

// until draws each time that the App asks for it, until the condition holds.
func (s *stage) until(what string, ok func(*board) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for s.draw(); !ok(s.board); s.draw() {
		select {
		case <-s.woken:
		case <-ctx.Done():
			s.t.Fatalf("never: %s; the bar says %q", what, s.board.regions["header"].words())
		}
	}
}

// idle reports whether the server has been told of every change of its network.
func (s *stage) idle() bool { return s.panel.store.View(ownNetwork).Pending == 0 }

// enter signs in and returns the post at the top.
func (s *stage) enter(name string) (post string) {
	s.t.Helper()
	s.until("the feed of who is nobody", func(b *board) bool { return len(b.shown) > 5 && b.regions["sign-in"] != nil })
	s.Act(Action{Name: "sign-in-as", Value: name})
	s.until("the page of "+name, func(b *board) bool { return barSays(name)(b) && barSays("All saved")(b) && len(b.shown) > 5 })
	return s.board.shown[0]
}

func barSays(words string) func(*board) bool {
	return func(b *board) bool { n := b.regions["header"]; return n != nil && strings.Contains(n.words(), words) }
}

func pressed(n *Node, act string) (on string) {
	n.walk(func(n *Node) {
		if a, _ := n.attr("data-act"); a == act {
			on, _ = n.attr("aria-pressed")
		}
	})
	return on
}

func TestAppFromSignInToSignOut(t *testing.T) {
	s := newStage(t)
	s.until("the feed of who is nobody", func(b *board) bool { return len(b.shown) > 5 && b.regions["sign-in"] != nil })
	post := s.board.shown[0]
	s.Act(Action{Name: "like", Post: post})
	s.draw()
	if s.board.focused != "name" || !strings.Contains(s.board.regions["notices"].words(), "Sign in first") {
		t.Error("nobody likes, and is not asked who they are")
	}
	s.Act(Action{Name: "sign-in", Value: "No Name"})
	s.draw()
	if !strings.Contains(s.board.regions["sign-in"].words(), "lower-case") {
		t.Error("a bad name is not refused in words")
	}
	s.Act(Action{Name: "sign-in-as", Value: "kofi"})
	s.until("kofi's page", func(b *board) bool { return barSays("kofi")(b) && barSays("All saved")(b) && len(b.shown) > 5 })
	if s.board.regions["sign-in"] != nil {
		t.Error("kofi is still asked who he is")
	}

	was := pressed(s.board.posts[post], "like")
	s.Act(Action{Name: "like", Post: post})
	s.draw()
	if now := pressed(s.board.posts[post], "like"); now == was || s.Unsettled() != 1 {
		t.Errorf("the like does not show at once: %q, then %q, %d unsettled", was, now, s.Unsettled())
	}
	if !s.Act(Action{Name: "comment-add", Post: post, Value: "hello <b>there</b>"}) {
		t.Error("the comment was not taken")
	}
	s.Act(Action{Name: "comments", Post: post})
	s.draw()
	if !strings.Contains(s.board.posts[post].words(), "hello <b>there</b>") {
		t.Error("the comment does not show at once")
	}
	if s.Act(Action{Name: "comment-add", Post: post, Value: "  "}) {
		t.Error("a blank comment was taken")
	}
	s.until("everything saved", barSays("All saved"))

	s.Act(Action{Name: "sign-out"})
	s.until("nobody's page again", func(b *board) bool { return barSays("Connected")(b) && b.regions["sign-in"] != nil && len(b.shown) > 5 })
}

func TestAppLab(t *testing.T) {
	s := newStage(t)
	s.until("the feed", func(b *board) bool { return len(b.shown) > 5 && b.regions["sign-in"] != nil })
	s.Act(Action{Name: "sign-in-as", Value: "mika"})
	s.until("mika's page", func(b *board) bool { return barSays("mika")(b) && barSays("All saved")(b) && len(b.shown) > 5 })
	s.Act(Action{Name: "lab"})
	lab := func(words string) func(*board) bool {
		return func(b *board) bool { n := b.regions["lab"]; return n != nil && strings.Contains(n.words(), words) }
	}
	s.until("the panel", lab("Offline"))
	s.Act(Action{Name: "net-set", Value: "latency=700"})
	s.until("the delay", lab("700 ms"))
	s.Act(Action{Name: "net-set", Value: "errors=100"})
	s.until("the server's word on the errors", func(b *board) bool { return lab("100%")(b) && s.idle() })
	post := s.board.shown[0]
	s.Act(Action{Name: "like", Post: post})
	s.until("a retry in the timeline", lab("retrying"))
	s.until("its words on the post", func(b *board) bool { return strings.Contains(b.posts[post].words(), "trying again") })
	s.Act(Action{Name: "net-profile", Value: "clean"})
	s.until("the end", func(b *board) bool { return barSays("All saved")(b) && lab("saved, ")(b) })
	if r := s.server.Network().Counts(); r.ServerErrors == 0 {
		t.Error("no error was made: the test tests nothing")
	}
	s.SetOnline(false)
	s.Act(Action{Name: "save", Post: post})
	s.until("what is kept", barSays("Offline, 1 unsent"))
	s.SetOnline(true)
	s.until("everything saved", barSays("All saved"))
}

func TestAppWritesAndDeletesPosts(t *testing.T) {
	s := newStage(t)
	first := s.enter("ines")
	if s.Act(Action{Name: "post-add", Value: " "}) {
		t.Error("a blank post was taken")
	}
	s.draw()
	if !strings.Contains(s.board.regions["write"].words(), "must not be blank") {
		t.Error("why it was not taken is not said")
	}
	s.SetOnline(false)
	if !s.Act(Action{Name: "post-add", Value: "hello <b>all</b>"}) {
		t.Fatal("the post was not taken")
	}
	s.draw()
	post := s.board.shown[0]
	if post == first || !strings.Contains(s.board.posts[post].words(), "hello <b>all</b>") {
		t.Fatal("the post does not show at once, above the others")
	}
	s.Act(Action{Name: "like", Post: post})
	s.until("the like on what the server does not have", func(b *board) bool { return pressed(b.posts[post], "like") == "true" })
	s.SetOnline(true)
	s.until("everything saved", barSays("All saved"))

	s.Act(Action{Name: "post-delete", Post: post})
	s.draw()
	if slices.Contains(s.board.shown, post) || !strings.Contains(s.board.regions["notices"].words(), "Undo") {
		t.Fatal("the post is still there, or cannot be brought back")
	}
	s.Act(Action{Name: "undo", Value: "1"})
	s.until("the post again, as it was", func(b *board) bool {
		return b.shown[0] == post && pressed(b.posts[post], "like") == "true" && barSays("All saved")(b)
	})

	s.SetOnline(false)
	s.Act(Action{Name: "post-add", Value: "never mind"})
	s.draw()
	s.Act(Action{Name: "post-delete", Post: s.board.shown[0]})
	s.draw()
	if words := s.board.regions["notices"].words(); strings.Contains(words, "Undo") || !strings.Contains(words, "never mind") {
		t.Errorf("of what never left the text is kept, and nothing can be undone: %q", words)
	}
	s.SetOnline(true)
	s.until("everything saved", barSays("All saved"))
	if s.board.shown[0] != post {
		t.Error("the feed begins with something else")
	}
}

// TestAppLabShowsWhatIsSo: a wish that the server does not get is not shown for longer
// than it takes to know.
func TestAppLabShowsWhatIsSo(t *testing.T) {
	s := newStage(t)
	s.enter("mika")
	s.Act(Action{Name: "lab"})
	lab := func(words string) func(*board) bool {
		return func(b *board) bool { n := b.regions["lab"]; return n != nil && strings.Contains(n.words(), words) }
	}
	s.until("the panel", lab("Offline"))
	s.wires.cut.Store(true)
	s.Act(Action{Name: "net-set", Value: "latency=2500"})
	s.draw()
	if !lab("2500 ms")(s.board) {
		t.Error("the wish does not show at once")
	}
	s.until("what is so", func(b *board) bool { return lab("0 ms")(b) && !lab("2500 ms")(b) && lab("did not reach")(b) })
	s.wires.cut.Store(false)
	s.Act(Action{Name: "net-profile", Value: "slow"})
	s.draw()
	if !lab("2000 ms")(s.board) || lab("did not reach")(s.board) {
		t.Error("the dials of a profile do not show at once")
	}
	s.until("the server's word", func(b *board) bool { return s.idle() && lab("2000 ms")(b) })
}

// TestAppLabOfTheNextSession: the wishes of a session, and the answers to them, do not
// concern the next one.
func TestAppLabOfTheNextSession(t *testing.T) {
	s := newStage(t)
	lab := func(words string) func(*board) bool {
		return func(b *board) bool { n := b.regions["lab"]; return n != nil && strings.Contains(n.words(), words) }
	}
	s.enter("mika")
	s.Act(Action{Name: "lab"})
	s.until("the panel", lab("Offline"))
	ended := func(client.Response) client.Response { return client.Response{Status: 401} }
	s.wires.wishes.Store(&ended)
	s.Act(Action{Name: "net-set", Value: "latency=2500"})
	s.until("that the session has ended", func(b *board) bool { return lab("did not take")(b) && !lab("2500 ms")(b) })

	asked, let := make(chan struct{}), make(chan struct{})
	late := func(r client.Response) client.Response { close(asked); <-let; return r }
	s.wires.wishes.Store(&late)
	s.Act(Action{Name: "net-set", Value: "latency=1500"})
	<-asked
	s.Act(Action{Name: "sign-out"})
	s.until("nobody's page", func(b *board) bool { return barSays("Connected")(b) && b.regions["sign-in"] != nil && len(b.shown) > 5 })
	s.enter("kofi")
	s.until("kofi's panel", func(b *board) bool { return lab("Offline")(b) && !lab("1500 ms")(b) })
	s.wires.wishes.Store(nil)
	close(let)
	if err := s.panel.manager.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := s.panel.store.View(ownNetwork).Value.Rule; r.LatencyMs == 1500 {
		t.Error("kofi's panel shows mika's network")
	}
	s.Act(Action{Name: "net-set", Value: "latency=700"})
	s.until("kofi's wish at the server", func(b *board) bool { return s.idle() && lab("700 ms")(b) })
}

// TestBurstIsOneRow: taps that replace each other have one row, also when they end without a
// call.
func TestBurstIsOneRow(t *testing.T) {
	s := newStage(t)
	post := s.enter("mika")
	s.Act(Action{Name: "lab"})
	says := func(words string) func(*board) bool {
		return func(b *board) bool { return strings.Contains(b.regions["lab"].words(), words) }
	}
	s.SetOnline(false) // no call leaves between two taps
	for range 9 {
		s.Act(Action{Name: "like", Post: post})
	}
	s.until("the burst", says("waiting, 9 taps"))
	s.Act(Action{Name: "save", Post: post})
	s.Act(Action{Name: "save", Post: post})
	s.SetOnline(true)
	s.until("its end", says("9 taps, 1 call"))
	s.until("the end of two that undo each other", says("2 taps, no call"))
	rows := 0
	s.board.regions["lab"].walk(func(n *Node) {
		if class, _ := n.attr("class"); class == "life" {
			rows++
		}
	})
	if rows != 2 {
		t.Errorf("%d rows: %s", rows, s.board.regions["lab"].words())
	}
}

// TestUndoOfADeletedComment brings it back, also one that the server never had.
func TestUndoOfADeletedComment(t *testing.T) {
	s := newStage(t)
	post := s.enter("mika")
	s.Act(Action{Name: "comments", Post: post})
	says := func(words string) func(*board) bool {
		return func(b *board) bool { return strings.Contains(b.posts[post].words(), words) }
	}
	for _, online := range []bool{true, false} {
		s.SetOnline(online)
		words := map[bool]string{true: "sent", false: "never sent"}[online]
		s.Act(Action{Name: "comment-add", Post: post, Value: words})
		s.until("the comment", func(b *board) bool { return says(words)(b) && (!online || barSays("All saved")(b)) })
		id := s.visit.service.Post(post).Value.Comments
		s.Act(Action{Name: "comment-delete", Post: post, Comment: id[len(id)-1].ID})
		s.until("its end", not(says(words)))
		undo := ""
		s.board.regions["notices"].walk(func(n *Node) {
			if act, _ := n.attr("data-act"); act == "undo" {
				undo, _ = n.attr("data-value")
			}
		})
		s.Act(Action{Name: "undo", Value: undo})
		s.until("the comment again", says(words))
		if s.board.focused != "comments-"+post {
			t.Errorf("the focus is on %q", s.board.focused)
		}
	}
	s.SetOnline(true)
	s.until("everything saved", barSays("All saved"))
	truth, err := s.server.Store().Truth(t.Context(), post, "")
	if err != nil || len(truth.Comments) < 2 || truth.Comments[len(truth.Comments)-1].Text != "never sent" {
		t.Errorf("%+v, %v", truth.Comments, err)
	}
}
