package e2e

import (
	"fmt"
	"testing"

	"github.com/optimist-go/optimist/engagement"
)

// TestOlderComments: they are read page by page, in order, and follow what others do; the user's
// own can be deleted at any place, also without a network, and brought back.
func TestOlderComments(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.write(`#new-post`, "a post with much to say about it")
	tb.until(`document.querySelector('.post').innerText.includes('much to say') && ` + allSaved)
	post := tb.firstPost()
	tb.comment(post, "ada was first")
	tb.until(allSaved)
	ids := make([]string, 120)
	for i := range ids {
		ids[i] = engagement.NewID()
		s.elsewhere(engagement.Operation{Kind: engagement.CreateComment, User: "kofi", Post: post, Comment: ids[i], Text: fmt.Sprintf("thought %d.", i)})
	}
	const texts = `[...document.querySelectorAll('.comments:not([hidden]) .comment .text')].map(p => p.textContent)`
	are := func(first, last, n int) string {
		return fmt.Sprintf(`(t => t.length === %d && t[0] === 'thought %d.' && t.at(-1) === 'thought %d.')(%s)`, n, first, last, texts)
	}
	older := `[data-act="older"][data-post="` + post + `"]`
	tb.until(are(70, 119, 50))
	tb.click(older)
	tb.until(are(20, 119, 100))
	tb.click(older)
	tb.until(texts + `[0] === 'ada was first' && ` + texts + `.length === 121 && !document.querySelector('` + older + `')`)
	eval[bool](tb, `(document.querySelector('.comments:not([hidden])').scrollIntoView(), true)`)
	tb.shot("comments-older")

	s.elsewhere(engagement.Operation{Kind: engagement.DeleteComment, User: "kofi", Post: post, Comment: ids[3]})
	s.elsewhere(engagement.Operation{Kind: engagement.EditComment, User: "kofi", Post: post, Comment: ids[5], Text: "another thought"})
	tb.until(texts + `.length === 120 && ` + texts + `.includes('another thought') && !` + texts + `.includes('thought 3.')`)

	tb.offline(true)
	tb.click(`[data-act="comment-delete"][data-post="` + post + `"]`)
	tb.until(texts + `[0] === 'thought 0.' && ` + texts + `.length === 119`)
	tb.click(`#notices [data-act="undo"]`)
	tb.until(texts + `[0] === 'ada was first'`)
	tb.offline(false)
	tb.until(allSaved)
	if n := s.truth(post, "ada").Post.Comments; n != 120 {
		t.Errorf("the server has %d comments, want 120", n)
	}
}
