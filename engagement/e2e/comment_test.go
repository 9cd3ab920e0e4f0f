package e2e

import (
	"fmt"
	"testing"

	"github.com/optimist-go/optimist/engagement/fault"
)

// TestFailedComment is the only one that waits for all attempts to fail, which with
// the page's own policy takes some seconds.
func TestFailedComment(t *testing.T) {
	t.Parallel() // most of its time it waits
	s := startServer(t)
	tb := signIn(t, s.URL(), "noor")
	tb.expectFaults()
	post := tb.firstPost()
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	was := s.truth(post, "noor").Post.Comments
	s.network(fault.Rule{ServerError: 1})
	for i := range 3 {
		tb.write(`.composer textarea`, fmt.Sprintf("comment %d", i))
	}
	tb.until(`document.querySelector('.comment.pending .status')`)
	tb.until(`document.querySelectorAll('.comment.failed').length === 3`)
	tb.shot("comments-failed")
	s.network(fault.Rule{})
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	tb.do(viewport(390, 800))
	tb.click(`#tab-lab`)
	tb.until(`document.querySelector('.life .state.parked') && document.querySelector('.comments').hidden`)
	tb.shot("operations-failed")
	tb.click(`.step[data-act="failed"]`) // from the other tab, and with the comments closed
	tb.until(`document.activeElement.matches('.comment.failed [data-act="comment-retry"]')`)
	tb.shot("comments-failed-phone")
	tb.do(viewport(1280, 900))

	tb.click(`.comment.failed:nth-of-type(1) [data-act="comment-retry"]`)
	tb.until(`document.querySelectorAll('.comment.failed').length === 2`)
	tb.click(`.comment.failed [data-act="comment-edit"]`)
	tb.until(`document.activeElement.closest('.editor')`)
	tb.shot("comment-editor")
	tb.write(`.editor textarea`, "edited and <i>sent</i>")
	tb.until(`document.querySelectorAll('.comment.failed').length === 1`)
	tb.click(`.comment.failed [data-act="comment-discard"]`)
	tb.until(`document.querySelectorAll('.comment').length === ` + fmt.Sprint(was+2))
	tb.until(allSaved)
	truth := s.truth(post, "noor")
	if n := truth.Post.Comments; n != was+2 {
		t.Fatalf("the server has %d comments, want %d", n, was+2)
	}
	for i, want := range []string{"comment 0", "edited and <i>sent</i>"} {
		if got := truth.Comments[was+i].Text; got != want {
			t.Errorf("comment %d: %q, want %q", i, got, want)
		}
	}
	if eval[int](tb, `document.querySelectorAll('.comment i').length`) != 0 {
		t.Error("a comment became markup")
	}
}

func TestKeyboardOnly(t *testing.T) {
	s := startServer(t)
	tb := openTab(t, s.URL())
	tb.until(`document.querySelector('.person')`)
	tb.tabTo(`[data-value="joao"]`)
	tb.enter()
	tb.until(`document.querySelector('.me .name')?.textContent === 'joao' && document.querySelector('.post') && ` + allSaved)
	post := tb.firstPost()
	was := s.truth(post, "joao")

	tb.tabTo(like(post))
	tb.key(" ")
	tb.until(liked(post, !was.Liked))
	if !eval[bool](tb, `document.activeElement.matches(`+quoted(like(post))+`)`) {
		t.Error("the focus was lost")
	}
	tb.tabTo(`[data-act="comments"][data-post="` + post + `"]`)
	tb.enter()
	tb.tabTo(`#new-` + post)
	tb.key("by keyboard")
	tb.shot("keyboard")
	tb.enter()
	tb.until(`document.querySelectorAll('.comment').length === ` + fmt.Sprint(was.Post.Comments+1))
	if v := eval[string](tb, `document.activeElement.tagName + document.activeElement.value`); v != "TEXTAREA" {
		t.Errorf("after sending the focus is on %q", v)
	}
	tb.until(allSaved)
	tb.until(`document.querySelector('[data-act="comment-edit"]')`)
	tb.tabTo(`[data-act="comment-edit"]`)
	tb.enter()
	tb.until(`document.activeElement.closest('.editor')`)
	tb.key("\x1b")
	tb.until(`document.activeElement.matches('[data-act="comment-edit"]')`)
	for _, undone := range []bool{true, false} { // a deletion, with a second thought, and one more
		tb.tabTo(`[data-act="comment-delete"]`)
		tb.enter()
		tb.until(`document.activeElement.matches('[data-act="undo"]') && !document.querySelector('[data-act="comment-delete"]')`)
		if undone {
			tb.shot("comment-deleted")
			tb.enter()
			tb.until(`document.activeElement.matches('.comments') && document.querySelector('[data-act="comment-delete"]')`)
		}
	}
	tb.until(allSaved)
	now := s.truth(post, "joao")
	if now.Post.Comments != was.Post.Comments || now.Liked == was.Liked {
		t.Errorf("%+v, before %+v", now.Post, was.Post)
	}
	for _, unlabelled := range eval[[]string](tb, `[...document.querySelectorAll('button, input, textarea')].filter(e =>
		!e.textContent.trim() && !e.getAttribute('aria-label') && !(e.labels && e.labels.length)).map(e => e.outerHTML)`) {
		t.Errorf("a control without a name: %s", unlabelled)
	}
}
