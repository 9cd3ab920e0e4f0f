//go:build !js

package web

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// apply does something on the server, as another device would.
func (s *stage) apply(o engagement.Operation) {
	s.t.Helper()
	o.Key = engagement.NewID()
	o.Stamp = engagement.Stamp{At: wire.NewStamp(time.Now().UnixMilli(), 0), Client: "another-device"}
	if _, err := s.server.Store().Apply(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
}

func told(words string) func(*board) bool {
	return func(b *board) bool { n := b.regions["notices"]; return n != nil && strings.Contains(n.words(), words) }
}

func postSays(post, words string) func(*board) bool {
	return func(b *board) bool { n := b.posts[post]; return n != nil && strings.Contains(n.words(), words) }
}

func TestNoStreamWhileHidden(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	s.Act(Action{Name: "comments", Post: post})
	s.SetHidden(true)
	for s.wires.streams.Load() > 0 {
		runtime.Gosched()
	}
	s.apply(engagement.Operation{Kind: engagement.CreateComment, User: "kofi", Post: post, Comment: engagement.NewID(), Text: "meanwhile"})
	s.draw()
	if !barSays("All saved")(s.board) {
		t.Errorf("a hidden page says %q", s.board.regions["header"].words())
	}
	s.SetHidden(false)
	s.until("what was missed", postSays(post, "meanwhile"))
	if n := s.wires.streams.Load(); n != 1 {
		t.Errorf("%d streams", n)
	}
}

// TestHiddenForLongerThanTheServerRemembers: posts and changes of the meantime are
// there when the page is visible again.
func TestHiddenForLongerThanTheServerRemembers(t *testing.T) {
	s := newStage(t)
	old := s.enter("ada")
	s.SetHidden(true)
	for s.wires.streams.Load() > 0 {
		runtime.Gosched()
	}
	id := engagement.NewID()
	s.apply(engagement.Operation{Kind: engagement.CreatePost, User: "kofi", Post: id, Text: "posted meanwhile"})
	s.apply(engagement.Operation{Kind: engagement.CreateComment, User: "kofi", Post: old, Comment: engagement.NewID(), Text: "said meanwhile"})
	if err := s.server.Store().Forget(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	s.Act(Action{Name: "comments", Post: old})
	s.SetHidden(false)
	s.until("what was said", postSays(old, "said meanwhile"))
	s.until("what was posted, above", func(b *board) bool { return b.shown[0] == id && postSays(id, "posted meanwhile")(b) })
}

func TestSignOutOfflineKeepsEverything(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	s.SetOnline(false)
	s.wires.cut.Store(true)
	s.Act(Action{Name: "comments", Post: post})
	s.Act(Action{Name: "comment-add", Post: post, Value: "written on the train"})
	s.Act(Action{Name: "sign-out"})
	s.Act(Action{Name: "sign-out"})
	s.until("word that it did not work", told("Signing out did not reach the server"))
	if s.Unsettled() != 1 || !barSays("ada")(s.board) || !postSays(post, "written on the train")(s.board) {
		t.Errorf("%d changes, the bar says %q", s.Unsettled(), s.board.regions["header"].words())
	}
	s.wires.cut.Store(false)
	s.SetOnline(true)
	s.until("everything saved", barSays("All saved"))
	s.Act(Action{Name: "sign-out"})
	s.Act(Action{Name: "sign-out"})
	s.until("nobody's page", func(b *board) bool { return barSays("Connected")(b) && b.regions["sign-in"] != nil && len(b.shown) > 5 })
	s.Act(Action{Name: "sign-in-as", Value: "kofi"})
	s.until("kofi's page", func(b *board) bool { return barSays("kofi")(b) && barSays("All saved")(b) && len(b.shown) > 5 })
	if n := s.wires.streams.Load(); n != 1 || s.board.focused != "feed" {
		t.Errorf("%d streams, the focus is on %q", n, s.board.focused)
	}
}

func TestSessionRunsOut(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	s.Act(Action{Name: "comments", Post: post})
	if err := client.SignOut(t.Context(), s.wires); err != nil { // the cookie goes
		t.Fatal(err)
	}
	s.SetHidden(true) // and the stream comes back without it
	s.SetHidden(false)
	s.until("the question who it is", func(b *board) bool { return barSays("Signed out")(b) && b.regions["sign-in"] != nil })
	s.Act(Action{Name: "comment-add", Post: post, Value: "kept for later"})
	s.Reopen()
	s.until("what is kept", func(b *board) bool {
		return barSays("Signed out, 1 unsent")(b) && postSays(post, "kept for later")(b)
	})
	s.Act(Action{Name: "sign-in-as", Value: "ada"})
	s.until("everything saved", func(b *board) bool { return barSays("All saved")(b) && postSays(post, "kept for later")(b) })
	s.apply(engagement.Operation{Kind: engagement.CreateComment, User: "kofi", Post: post, Comment: engagement.NewID(), Text: "hello again"})
	s.until("the stream", postSays(post, "hello again"))
}

// TestSomebodyElseSignsIn: on another page of the browser, while this one, which has no
// journal, holds changes and a draft.
func TestSomebodyElseSignsIn(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	s.SetOnline(false)
	s.Act(Action{Name: "comments", Post: post})
	s.Act(Action{Name: "comment-add", Post: post, Value: "precious words"})
	s.board.drafts["new-"+post] = "half a thought"
	s.wires.cut.Store(true)
	s.Reopen()
	s.SetOnline(true)
	s.until("an attempt without an answer", barSays("Reconnecting"))
	if !barSays("ada")(s.board) || s.Unsettled() != 1 {
		t.Error("nobody said that ada is gone")
	}
	if _, err := client.SignIn(t.Context(), s.wires.Transport, "kofi"); err != nil {
		t.Fatal(err)
	}
	s.wires.cut.Store(false)
	s.until("kofi's page", func(b *board) bool { return barSays("kofi")(b) && len(b.shown) > 5 })
	if !told("precious words")(s.board) || !told("half a thought")(s.board) {
		t.Errorf("lost silently: %q", s.board.regions["notices"].words())
	}
	s.Act(Action{Name: "like", Post: post})
	s.until("a page that works", func(b *board) bool { return barSays("All saved")(b) })
}

func TestOlderCommentsHaveNoHole(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	comment := func(from, to int) {
		for i := from; i <= to; i++ {
			s.apply(engagement.Operation{Kind: engagement.CreateComment, User: "kofi", Post: post, Comment: engagement.NewID(), Text: fmt.Sprintf("no %d.", i)})
		}
	}
	all := func(to int) func(*board) bool {
		return func(b *board) bool {
			n, at := b.posts[post].words(), 0
			for i := 1; i <= to; i++ {
				next := strings.Index(n[at:], fmt.Sprintf("no %d.", i))
				if next < 0 {
					return false
				}
				at += next
			}
			return strings.Count(n, "no ") == to
		}
	}
	comment(1, 60)
	s.Act(Action{Name: "comments", Post: post})
	s.until("the latest", postSays(post, "no 60."))
	s.Act(Action{Name: "older", Post: post})
	s.Act(Action{Name: "older", Post: post}) // by an impatient finger
	s.until("all of them", all(60))
	comment(61, 65)
	s.until("five more", all(65))
	comment(66, 120) // more than a post holds, perhaps at once
	s.until("the last", postSays(post, "no 120."))
	if all(120)(s.board) {
		return
	}
	s.Act(Action{Name: "older", Post: post})
	s.until("the page before", postSays(post, "no 70."))
	s.Act(Action{Name: "older", Post: post})
	s.until("the beginning", all(120))
}

func TestWrittenTextIsQuoted(t *testing.T) {
	s := newStage(t)
	post, other := s.enter("ada"), s.board.shown[1]
	id := engagement.NewID()
	s.apply(engagement.Operation{Kind: engagement.CreateComment, User: "ada", Post: other, Comment: id, Text: "mine"})
	s.Act(Action{Name: "comments", Post: other})
	s.until("the comment", postSays(other, "mine"))
	s.Act(Action{Name: "comment-edit", Post: other, Comment: id})
	s.draw()
	s.board.drafts["editor-"+id] = "a much longer version"
	s.apply(engagement.Operation{Kind: engagement.DeleteComment, User: "ada", Post: other, Comment: id})
	s.until("the draft of the editor", told("a much longer version"))
	if s.board.focused != "new-"+other {
		t.Errorf("the focus is on %q", s.board.focused)
	}

	id = engagement.NewID()
	s.apply(engagement.Operation{Kind: engagement.CreateComment, User: "ada", Post: other, Comment: id, Text: "mine too"})
	s.until("the other comment", postSays(other, "mine too"))
	s.SetOnline(false)
	s.Act(Action{Name: "comment-save", Post: other, Comment: id, Value: "words of the train"})
	edit := s.visit.service.Manager().Snapshot().Entities[0].Operations[0]
	for !time.Now().After(edit.Timestamp.Time().Add(time.Millisecond)) { // the following times are later, in milliseconds
	}
	s.apply(engagement.Operation{Kind: engagement.EditComment, User: "ada", Post: other, Comment: id, Text: "newer words"})
	s.SetOnline(true)
	s.until("the edit that gave way", told("words of the train"))

	s.Act(Action{Name: "comments", Post: post})
	s.SetOnline(false)
	s.Act(Action{Name: "comment-add", Post: post, Value: "ten lines of wisdom"})
	s.board.drafts["new-"+post] = "and a draft"
	author := s.visit.service.Post(post).Value.Author
	s.apply(engagement.Operation{Kind: engagement.DeletePost, User: author, Post: post})
	s.until("the comment on a post that is gone", func(b *board) bool { return told("ten lines of wisdom")(b) && told("and a draft")(b) })
	s.Tick(time.Now().Add(time.Hour))
	s.draw()
	if !told("ten lines of wisdom")(s.board) {
		t.Error("a quote goes by itself")
	}

	s.wires.cut.Store(true)
	s.Act(Action{Name: "comment-add", Post: other, Value: "never sent"})
	s.wires.cut.Store(false)
	s.Act(Action{Name: "sign-out"})
	s.until("what signing out undid", told("never sent"))
}
