package e2e

import "testing"

// TestManyTabs opens more pages than a browser has connections to a host. One is seen.
func TestManyTabs(t *testing.T) {
	s := startServer(t)
	first := signIn(t, s.URL(), "ada")
	for range 6 {
		other := first.beside(s.URL())
		other.until(ready)
		other.hide()
	}
	post := first.firstPost()
	was := s.truth(post, "ada").Liked
	first.click(like(post))
	first.until(allSaved)
	if s.truth(post, "ada").Liked == was {
		t.Error("the server does not have the like")
	}
}

// TestDraftOutlivesTheSession: a user who signs in again finds the unfinished text.
func TestDraftOutlivesTheSession(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.expectFaults()
	post := tb.firstPost()
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	tb.until(`document.querySelector('.composer textarea')`)
	eval[bool](tb, `fetch('/v1/session', { method: 'DELETE' }).then(() => {
		document.querySelector('.composer textarea').value = 'half a page of thoughts';
		return true;
	})`)
	tb.click(like(post)) // is refused
	tb.until(`document.querySelector('.sign-in')`)
	tb.click(`[data-value="ada"]`)
	tb.until(`!document.querySelector('.sign-in') && ` + allSaved)
	if got := eval[string](tb, `document.querySelector('.composer textarea').value`); got != "half a page of thoughts" {
		t.Errorf("the draft is %q", got)
	}
	if got := eval[string](tb, `document.activeElement.id`); got != "feed" {
		t.Errorf("the focus is on %q", got)
	}
}
