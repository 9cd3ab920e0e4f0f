package e2e

import (
	"fmt"
	"testing"
)

const (
	standing = `document.querySelector('.link-state').innerText`
	focused  = `document.activeElement?.dataset.focus`
)

var phones = []int64{390, 360, 320}

// TestNextSteps: where something is missing or does not work, the page names the next step.
func TestNextSteps(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	post := tb.firstPost()
	tb.offline(true)
	tb.click(like(post))
	tb.until(standing + `.includes('Offline, 1 unsent') && ` + standing + `.includes('Go on, it is sent later')`)
	tb.shot("offline")
	for _, width := range phones {
		tb.do(viewport(width, 700))
		tb.until(fmt.Sprintf(`innerWidth === %d`, width))
		if h := eval[float64](tb, `document.querySelector('.bar').offsetHeight`); h > 57 {
			t.Errorf("%d px: the advice makes the bar %.0f px high", width, h)
		}
		tb.shot(fmt.Sprint("offline-", width))
	}
	tb.do(viewport(1280, 900))
	tb.offline(false)
	tb.until(allSaved)

	s.stop()
	tb.until(`document.querySelector('.step[data-act="try-now"]')`)
	tb.shot("reconnecting")
	for _, width := range phones {
		tb.do(viewport(width, 700))
		tb.until(fmt.Sprintf(`innerWidth === %d`, width))
		for _, e := range eval[[]string](tb, cut) {
			t.Errorf("%d px: cut off: %s", width, e)
		}
		tb.shot(fmt.Sprint("reconnecting-", width))
	}
	tb.do(viewport(1280, 900))
	s.start()
	tb.click(`.step[data-act="try-now"]`)
	tb.until(allSaved)

	eval[bool](tb, `fetch('/v1/session', { method: 'DELETE' }).then(() => true)`)
	tb.do(navigate(s.URL()))
	tb.until(clientThere)
	tb.click(`.step[data-act="go"]`)
	tb.until(focused + ` === 'again'`)
	tb.shot("signed-out")
}

// TestNothingThereYet: an empty feed leads to the first post.
func TestNothingThereYet(t *testing.T) {
	s := startServer(t)
	s.stop()
	s.file = t.TempDir() + "/empty.db"
	s.start("-demo=false")
	tb := openTab(t, s.URL())
	tb.click(`.end [data-act="go"]`)
	tb.until(focused + ` === 'name'`)
	tb.shot("empty")
	tb.click(`[data-value="kofi"]`)
	tb.until(`document.querySelector('.me')`)
	tb.click(`.end [data-act="go"]`)
	tb.until(focused + ` === 'new-post'`)
	tb.shot("empty-kofi")
	tb.write(`#new-post`, "First!")
	tb.until(`document.querySelector('.post') && document.querySelector('.end').innerText.includes('No more posts') && ` + allSaved)
}

// primaries are the words of the filled buttons.
const primaries = `[...document.querySelectorAll('button')].filter(b => b.checkVisibility({ visibilityProperty: true }) &&
	getComputedStyle(b).backgroundColor === getComputedStyle(document.body).color).map(b => b.textContent).join()`

// TestOnePrimaryAction: one button of the page is filled, at all times.
func TestOnePrimaryAction(t *testing.T) {
	s := startServer(t)
	tb := openTab(t, s.URL())
	tb.until(`document.querySelector('.link-state.good')`)
	only := func(words string) {
		t.Helper()
		tb.until(fmt.Sprintf(`%s === %q`, primaries, words))
	}
	only("Continue as ada")
	tb.click(`.again`)
	tb.until(`document.querySelector('.me') && ` + allSaved)
	only("Post")
	tb.click(`.bar [data-act="lab"]`)
	tb.until(`document.querySelector('.lab-inner .chip')`)
	only("Post")
	tb.click(`.post [data-act="comments"]`)
	eval[bool](tb, `(document.querySelector('.composer textarea').focus(), true)`)
	only("Comment")
	tb.write(`.composer textarea`, "hello")
	tb.click(`[data-act="comment-edit"]`)
	tb.until(`document.activeElement.closest('.editor')`)
	only("Save")
	tb.key("\x1b")
	eval[bool](tb, `(document.activeElement.blur(), true)`)
	only("Post")
	tb.until(allSaved)
	eval[bool](tb, `fetch('/v1/session', { method: 'DELETE' }).then(() => true)`)
	tb.do(navigate(s.URL()))
	tb.until(clientThere + ` && document.querySelector('.sign-in')?.innerText.includes('Sign in again')`)
	only("Continue as ada")
	tb.shot("session-over")
}
