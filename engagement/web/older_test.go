//go:build !js

package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement"
)

// comment has somebody write a comment, at the server.
func (s *stage) comment(user, post, text string) (id string) {
	id = engagement.NewID()
	s.apply(engagement.Operation{Kind: engagement.CreateComment, User: user, Post: post, Comment: id, Text: text})
	return id
}

// openOlder shows all comments of a post.
func (s *stage) openOlder(post, latest, first string) {
	s.t.Helper()
	s.Act(Action{Name: "comments", Post: post})
	s.until("the latest comment", postSays(post, latest))
	s.Act(Action{Name: "older", Post: post})
	s.until("the first comment", postSays(post, first))
}

func not(ok func(*board) bool) func(*board) bool { return func(b *board) bool { return !ok(b) } }

func TestOlderCommentsAreKeptUpWith(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	var ids []string
	for i := range 60 {
		ids = append(ids, s.comment("kofi", post, fmt.Sprintf("no %d.", i)))
	}
	s.openOlder(post, "no 59.", "no 0.")
	s.apply(engagement.Operation{Kind: engagement.DeleteComment, User: "kofi", Post: post, Comment: ids[2]})
	s.until("that an older comment was deleted", not(postSays(post, "no 2.")))
	s.apply(engagement.Operation{Kind: engagement.EditComment, User: "kofi", Post: post, Comment: ids[3], Text: "better said"})
	s.until("that an older comment was edited", postSays(post, "better said"))
	if n := strings.Count(s.board.posts[post].words(), "no "); n != 58 {
		t.Errorf("%d comments are shown", n)
	}
}

// TestOwnOlderComment: the user's own comment can be edited and deleted at any place.
func TestOwnOlderComment(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	mine := s.comment("ada", post, "my old words")
	for i := range 55 {
		s.comment("kofi", post, fmt.Sprintf("no %d.", i))
	}
	s.openOlder(post, "no 54.", "my old words")
	s.Act(Action{Name: "comment-edit", Post: post, Comment: mine})
	s.SetOnline(false) // a page paints in the turn of the click: no answer can come before
	s.Act(Action{Name: "comment-save", Post: post, Comment: mine, Value: "my new words"})
	s.draw()
	if !postSays(post, "my new words")(s.board) {
		t.Error("the edit does not show at once")
	}
	s.SetOnline(true)
	s.until("everything saved", barSays("All saved"))
	s.until("the edit at the server, too", func(b *board) bool { return postSays(post, "edited")(b) && postSays(post, "my new words")(b) })

	before := s.visit.service.Post(post).Value.CommentsCount
	s.SetOnline(false)
	s.Act(Action{Name: "comment-delete", Post: post, Comment: mine})
	s.draw()
	if now := s.visit.service.Post(post).Value.CommentsCount; postSays(post, "my new words")(s.board) || now != before-1 {
		t.Errorf("the deletion does not show at once: %d comments, then %d", before, now)
	}
	s.SetOnline(true)
	gone := not(postSays(post, "my new words"))
	s.until("everything saved", func(b *board) bool {
		if !gone(b) {
			t.Fatal("the deleted comment came back")
		}
		return barSays("All saved")(b)
	})
}

// TestUndoneEditOfAnOlderComment: an edit that is undone after its comment left the latest
// ones leaves nothing behind.
func TestUndoneEditOfAnOlderComment(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	for i := range 5 {
		s.comment("kofi", post, fmt.Sprintf("old %d.", i))
	}
	mine := s.comment("ada", post, "true words")
	for i := range 49 {
		s.comment("kofi", post, fmt.Sprintf("no %d.", i))
	}
	s.openOlder(post, "no 48.", "old 0.")
	s.SetOnline(false)
	s.Act(Action{Name: "comment-save", Post: post, Comment: mine, Value: "words that never were"})
	s.until("the edit", postSays(post, "words that never were"))
	s.comment("kofi", post, "one more")
	s.until("one more, and the edit still", func(b *board) bool {
		return postSays(post, "one more")(b) && postSays(post, "words that never were")(b)
	})
	if err := s.visit.service.Manager().RollbackAll("post:" + post); err != nil {
		t.Fatal(err)
	}
	s.until("the true words again", func(b *board) bool {
		return postSays(post, "true words")(b) && !postSays(post, "words that never were")(b)
	})
}

// TestOlderCommentsInAnHeir: they stay when the page takes the journal over from another one, also
// those that are still to come.
func TestOlderCommentsInAnHeir(t *testing.T) {
	s, p := newStage(t), newHousehold()
	first := s.open(p)
	post := first.enter("ada")
	for i := range 130 {
		first.comment("kofi", post, fmt.Sprintf("no %d.", i))
	}
	second := s.open(p)
	second.until("ada's page", func(b *board) bool { return barSays("ada")(b) && len(b.shown) > 5 })
	second.openOlder(post, "no 129.", "no 30.")
	second.SetOnline(false)
	second.Act(Action{Name: "older", Post: post})
	second.until("that the rest has to wait", postSays(post, "Waiting for network"))
	first.close(p)
	second.until("that this page stores changes", func(b *board) bool {
		if !postSays(post, "no 30.")(b) || !postSays(post, "no 129.")(b) {
			t.Fatal("the comments went away")
		}
		second.mu.Lock()
		defer second.mu.Unlock()
		return second.durable
	})
	second.SetOnline(true)
	second.until("the beginning", postSays(post, "no 0."))
	if n := strings.Count(second.board.posts[post].words(), "no "); n != 130 {
		t.Errorf("%d comments are shown", n)
	}
}

// TestOlderCommentsNotLoaded: the page says so, and goes on by itself.
func TestOlderCommentsNotLoaded(t *testing.T) {
	s := newStage(t)
	post := s.enter("ada")
	for i := range 60 {
		s.comment("kofi", post, fmt.Sprintf("no %d.", i))
	}
	s.Act(Action{Name: "comments", Post: post})
	s.until("the latest comment", postSays(post, "no 59."))
	s.wires.cut.Store(true)
	s.Act(Action{Name: "older", Post: post})
	s.until("the reason", told("Older comments could not be loaded"))
	s.wires.cut.Store(false)
	s.until("the first comment", postSays(post, "no 0."))
}
