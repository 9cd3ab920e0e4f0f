package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/event"
)

// walk calls f for a node and all below it.
func (n *Node) walk(f func(*Node)) {
	f(n)
	for _, k := range n.Kids {
		k.walk(f)
	}
}

func (n *Node) words() string {
	var b strings.Builder
	n.walk(func(n *Node) { b.WriteString(n.Text) })
	return b.String()
}

func TestTextIsNeverMarkup(t *testing.T) {
	html := Gallery()
	if strings.Contains(html, "<script") || strings.Contains(html, "<b>") {
		t.Error("what people wrote became markup")
	}
	if !strings.Contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the gallery shows no script in a text")
	}
	if strings.Count(html, "<rect ") != strings.Count(html, "</rect>") {
		t.Error("bars of the timeline are in each other")
	}
	if strings.Contains(html, " style=") || strings.Contains(html, " on") && strings.Contains(html, "onclick") {
		t.Error("the page's policy allows no styles and handlers in the markup")
	}
}

// TestEveryStateIsNamed: each button has a name, and each state is in words.
func TestEveryStateIsNamed(t *testing.T) {
	for _, x := range galleryPosts(time.Now()) {
		x.model.ID = "p"
		n := viewPost(x.model)
		n.walk(func(n *Node) {
			if n.Tag != "button" {
				return
			}
			if label, ok := n.attr("aria-label"); !ok && n.words() == "" || ok && label == "" {
				t.Errorf("%s: a button without a name: %s", x.title, n.HTML())
			}
			if kind, _ := n.attr("type"); kind == "" {
				t.Errorf("%s: a button without a type: %s", x.title, n.HTML())
			}
		})
		for title, words := range map[string]string{
			"like tried again": "trying again", "like kept while offline": "waiting for network",
			"comment failed": "Not posted: the server is in trouble.", "edit failed": "Your edit was not saved",
			"deletion failed": "was not deleted", "conflict resolved": "newer change from another device",
		} {
			if x.title == title && !strings.Contains(n.words(), words) {
				t.Errorf("%s does not say %q: %s", title, words, n.words())
			}
		}
	}
}

// TestClosedCommentsStay: an unfinished comment stays with them.
func TestClosedCommentsStay(t *testing.T) {
	for _, open := range []bool{true, false} {
		m := galleryPosts(time.Now())[0].model
		m.UI.Open, m.UI.Opened = open, true
		section := false
		viewPost(m).walk(func(n *Node) {
			if n.Tag == "section" {
				section = true
				if _, hidden := n.attr("hidden"); hidden == open {
					t.Errorf("open is %v, hidden is %v", open, hidden)
				}
			}
		})
		if !section {
			t.Errorf("open is %v: there are no comments", open)
		}
	}
}

// TestLongPostIsClamped: a long text is cut, and a button shows all of it; a short one has
// neither.
func TestLongPostIsClamped(t *testing.T) {
	m := galleryPosts(time.Now())[0].model
	look := func() (cut, button bool) {
		viewPost(m).walk(func(n *Node) {
			class, _ := n.attr("class")
			cut = cut || class == "text cut"
			act, _ := n.attr("data-act")
			button = button || act == "whole"
		})
		return cut, button
	}
	if cut, button := look(); cut || button {
		t.Error("a short text is clamped")
	}
	for _, long := range []string{longText, strings.Repeat("line\n", 20)} {
		m.View.Value.Text, m.UI.Whole = long, false
		if cut, button := look(); !cut || !button {
			t.Errorf("not clamped: cut %v, button %v", cut, button)
		}
		m.UI.Whole = true
		if cut, button := look(); cut || !button {
			t.Errorf("not shown whole: cut %v, button %v", cut, button)
		}
	}
}

// TestContinueAsTheSameUser: who was signed in goes on with one tap, also under a name that is
// not among those of the demo.
func TestContinueAsTheSameUser(t *testing.T) {
	for again, want := range map[string]bool{"": false, "ann": true} {
		found := false
		viewSignIn(signInModel{Again: again}).walk(func(n *Node) {
			act, _ := n.attr("data-act")
			value, _ := n.attr("data-value")
			found = found || act == "sign-in-as" && value == "ann" && n.words() == "Continue as ann"
		})
		if found != want {
			t.Errorf("again %q: the button is there: %v", again, found)
		}
	}
}

// TestRowsLeaveTheWindow: an ended operation has no row when the timeline's window is past it.
func TestRowsLeaveTheWindow(t *testing.T) {
	now := time.Now()
	ended := func(id string, ago time.Duration) *life {
		at := now.Add(-ago)
		return &life{ID: id, Type: id, Outcome: optimist.Confirmed, Spans: []span{{"flight", at.Add(-time.Second), at}}}
	}
	open := &life{ID: "open", Type: "open", Spans: []span{{"parked", now.Add(-time.Hour), time.Time{}}}}
	m := labModel{Now: now, Names: func(string) string { return "" }, Timeline: &timeline{last: now, lives: []*life{open, ended("old", 9*time.Second), ended("new", time.Second)}}}
	words := viewTimeline(m).words()
	if strings.Contains(words, "old") || !strings.Contains(words, "new") || !strings.Contains(words, "open") {
		t.Error(words)
	}
}

// TestLegendIsAboveItsRows: below them it would be out of sight.
func TestLegendIsAboveItsRows(t *testing.T) {
	html := viewTimeline(galleryLab(time.Now())[0].model).HTML()
	if legend, rows := strings.Index(html, `"legend"`), strings.Index(html, `"lives"`); legend < 0 || rows < legend {
		t.Errorf("the legend is at %d, the rows at %d", legend, rows)
	}
}

func TestTimeline(t *testing.T) {
	var tl timeline
	at := time.Now()
	happens := func(kind event.Kind, id string, change func(*optimist.Event)) {
		at = at.Add(100 * time.Millisecond)
		e := optimist.Event{Kind: kind, ID: id, Type: "like", Entity: client.EntityOf("p"), At: at}
		if change != nil {
			change(&e)
		}
		tl.observe(e)
	}
	happens(event.Accepted, "a", nil)
	happens(event.Joined, "a", nil)
	happens(event.Sent, "a", nil)
	happens(event.Retrying, "a", nil)
	happens(event.Sent, "a", nil)
	if l := tl.lives[0]; stateWords(l) != "call 2" || !tl.moving(at) || len(l.Spans) != 4 {
		t.Errorf("%q %+v", stateWords(l), l)
	}
	happens(event.Settled, "a", func(e *optimist.Event) { e.Outcome = optimist.Confirmed })
	if l := tl.lives[0]; stateWords(l) != "2 taps, 2 calls" {
		t.Errorf("%q", stateWords(l))
	}
	happens(event.Accepted, "b", nil)
	if tl.total.Saved != 1 {
		t.Error("a call that may still leave counts as saved")
	}
	happens(event.Settled, "b", func(e *optimist.Event) { e.Outcome = optimist.Superseded })
	if want := (totals{Taps: 3, Calls: 2, Saved: 2, Retries: 1}); tl.total != want {
		t.Errorf("%+v", tl.total)
	}
	if tl.moving(at.Add(2 * time.Second)) {
		t.Error("it moves though nothing happens")
	}
	for range 100 {
		happens(event.Accepted, at.String(), nil)
	}
	if len(tl.lives) > timelineRows {
		t.Errorf("%d lives are kept", len(tl.lives))
	}
}

// TestReplacedEitherWay: a successor is told of before the end of the replaced operation, or
// after it.
func TestReplacedEitherWay(t *testing.T) {
	for _, first := range []bool{true, false} {
		var tl timeline
		at := time.Now()
		accepted := func(id string) {
			tl.observe(optimist.Event{Kind: event.Accepted, ID: id, Type: "edit_comment", At: at})
		}
		accepted("a")
		if first {
			accepted("b")
		}
		tl.observe(optimist.Event{Kind: event.Settled, ID: "a", Outcome: optimist.Superseded, Successor: "b", At: at})
		if !first {
			accepted("b")
		}
		if l := tl.lives[0]; len(tl.lives) != 1 || l.ID != "b" || l.Row != "a" || l.Taps != 2 || l.Outcome != 0 || stateWords(l) != "waiting, 2 taps" {
			t.Errorf("told of first: %v: %d lives, %+v", first, len(tl.lives), l)
		}
		accepted("c")
		if len(tl.lives) != 2 {
			t.Error("another edit is in the same row")
		}
	}
}

func TestOpenOperations(t *testing.T) {
	ctx := t.Context()
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(ctx)
	posts := optimist.NewStore[string](m, "post")
	comment := optimist.Register(posts, optimist.Mutation[string, client.CommentArgs]{
		Type: "comment", Kind: optimist.Create, Policy: optimist.Policy{Failure: optimist.Park},
		Apply: func(string, client.CommentArgs) (string, error) { return "", nil },
		Send: func(context.Context, optimist.Call[client.CommentArgs]) (optimist.Truth[string], error) {
			return optimist.Truth[string]{}, optimist.Fail(optimist.Permanent, client.ErrUnreachable)
		},
	})
	for _, text := range []string{"first", "last"} {
		if _, err := comment.Execute(ctx, "p", client.CommentArgs{ID: "c", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	got := opsOf(m.Operations()).of("p")
	if len(got) != 2 || got[0].Comment != "c" || got[0].State != opFailed || got[0].Reason != "no connection" || got[0].Calls != 1 || got[0].Text != "last" {
		t.Errorf("%+v", got)
	}
	ended := m.Operations()
	m.ClearAll()
	if ops := opsOf(ended); len(ops) != 0 {
		t.Errorf("%+v", ops)
	}
	var ops openOps
	ops.accepted(optimist.Event{Kind: event.Accepted, ID: "a", Entity: "post:p", Args: &client.CommentArgs{ID: "c", Text: "gone"}})
	if o := ops.find("a"); o == nil || o.Text != "gone" || o.Post != "p" {
		t.Errorf("%+v", o)
	}
}

func TestBrief(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1.0k", 1234: "1.2k", 9999: "9.9k", 10_000: "10k", 34_567: "34k"} {
		if got := brief(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
