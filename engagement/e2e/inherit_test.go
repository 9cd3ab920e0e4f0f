package e2e

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestSecondTabInherits: when the first tab of a person is closed or crashes, the second
// one owns the journal, with the changes of both. Its page does not move.
func TestSecondTabInherits(t *testing.T) {
	for _, crashes := range []bool{false, true} {
		s := startServer(t)
		first := signIn(t, s.URL(), "ada")
		second := first.beside(s.URL())
		second.until(ready + ` && document.querySelector('.risk')`)
		post := second.firstPost()
		was := s.truth(post, "ada")
		first.cutOff()
		// The browser gives a tab that is left its network back, perhaps before the page has ended.
		eval[bool](first, `(window.fetch = () => Promise.reject(new TypeError('no network')), true)`)
		first.comment(post, "of the first")
		eval[bool](first, kept+`(1)`)
		second.cutOff()
		second.comment(post, "of the second")
		second.click(like(post))
		second.until(liked(post, !was.Liked))
		eval[bool](second, `(() => {
			const f = document.querySelector('#new-`+post+`');
			f.value = 'half a thought';
			f.focus();
			window.field = f;
			return true;
		})()`)
		second.shot("second-tab-before")

		if crashes {
			first.crash()
		} else {
			first.do(navigate("about:blank"))
		}
		second.until(`!document.querySelector('.risk') && document.querySelectorAll('.comment.pending').length === 2`)
		if !eval[bool](second, `document.activeElement === window.field && window.field.isConnected && window.field.value === 'half a thought'`) {
			t.Error("the person's writing is disturbed")
		}
		if !eval[bool](second, liked(post, !was.Liked)) || eval[bool](second, `document.querySelector('#notices').innerText !== ''`) {
			t.Error("the page has changed")
		}
		second.shot("second-tab-after")
		eval[bool](second, kept+`(3)`)
		second.crash()

		third := second.beside(s.URL())
		third.until(ready + ` && ` + allSaved)
		third.until(liked(post, !was.Liked))
		eval[bool](third, kept+`(0)`)
		now := s.truth(post, "ada")
		texts := map[string]int{}
		for _, c := range now.Comments {
			texts[c.Text]++
		}
		if texts["of the first"] != 1 || texts["of the second"] != 1 || now.Liked == was.Liked {
			t.Errorf("the server has %v, liked %v", texts, now.Liked)
		}
	}
}

// TestSecondTabInheritsNothing: it goes on as before, and follows the server.
func TestSecondTabInheritsNothing(t *testing.T) {
	s := startServer(t)
	first := signIn(t, s.URL(), "ada")
	second := first.beside(s.URL())
	second.until(ready + ` && document.querySelector('.risk')`)
	first.do(navigate("about:blank"))
	second.until(`!document.querySelector('.risk') && ` + allSaved)
	post := second.firstPost()
	was := s.truth(post, "ada")
	second.click(like(post))
	second.until(allSaved)
	if s.truth(post, "ada").Liked == was.Liked {
		t.Error("the like was lost")
	}
	s.likeElsewhere(post)
	second.until(counts(post, s.truth(post, "ada").Post.Likes)) // it follows the server
	second.click(`[data-act="sign-out"]`)
	second.until(nobodys)
	eval[bool](second, leftBehind)
}

// TestBackToAPageThatWasLeft: the browser has kept it as it was, and meanwhile the journal
// has gone to another tab, whose user has signed out.
func TestBackToAPageThatWasLeft(t *testing.T) {
	s := startServer(t)
	first := signIn(t, s.URL(), "ada")
	second := first.beside(s.URL())
	second.until(ready + ` && document.querySelector('.risk')`)
	eval[bool](first, `(window.before = true)`)
	first.do(navigate("about:blank"))
	second.until(`!document.querySelector('.risk')`)
	second.click(`[data-act="sign-out"]`)
	second.until(nobodys)
	eval[bool](second, leftBehind)
	eval[bool](first, `(setTimeout(() => history.back()), true)`) // after the answer to this
	first.throughReloads(`!window.before && ` + nobodys)
}

// throughReloads waits until the script's value is true, also while the tab reloads.
func (tb *tab) throughReloads(script string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`!!(`+script+`)`)); err == nil && ok {
			return
		} else if ctx.Err() != nil {
			tb.t.Fatalf("never: %s: %v", script, err)
		}
	}
}
