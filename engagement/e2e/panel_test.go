package e2e

import "testing"

// TestReloadWithTheLineCut: a user who has made the network bad can repair it, also on a
// page that does not know the signed-in user yet.
func TestReloadWithTheLineCut(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.expectFaults()
	post := tb.firstPost()
	was := s.truth(post, "ada").Liked
	const cut = `[data-act="net-offline"]`
	tb.click(`[data-act="lab"]`)
	tb.click(cut)
	tb.until(`document.querySelector('` + cut + `').getAttribute('aria-checked') === 'true' && document.querySelector('.link-state.bad')`)
	tb.click(like(post))
	tb.open(s.URL()) // at once: the browser commits the writes that it was given
	tb.until(`document.querySelector('.end [role="alert"]')`)
	tb.click(`[data-act="lab"]`)
	tb.until(`document.querySelector('` + cut + `')?.getAttribute('aria-checked') === 'true'`)
	tb.shot("reloaded-with-the-line-cut")
	tb.click(cut)
	tb.until(`document.querySelector('.me .name')?.textContent === 'ada' && ` + allSaved)
	tb.until(liked(post, !was))
	if s.truth(post, "ada").Liked == was {
		t.Error("the like from before the reload is lost")
	}
}
