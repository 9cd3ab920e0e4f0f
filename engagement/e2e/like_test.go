package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement/fault"
)

// firstPost is the id of the post at the top of the feed.
func (tb *tab) firstPost() string {
	tb.t.Helper()
	return eval[string](tb, `document.querySelector('.post').dataset.id`)
}

func like(post string) string { return fmt.Sprintf(`[data-act="like"][data-post="%s"]`, post) }

// liked is a script that is true when the page shows the like that way.
func liked(post string, on bool) string {
	return fmt.Sprintf(`document.querySelector('%s')?.getAttribute('aria-pressed') === '%v'`, like(post), on)
}

const allSaved = `document.querySelector('.link-state .words')?.textContent === 'All saved'`

func TestLikeShowsInTheSameFrame(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	s.network(fault.Rule{LatencyMs: 2000})
	post := tb.firstPost()
	was := eval[bool](tb, liked(post, true))
	// A real mouse presses the button; the page's content is read in the next frame, before
	// it is drawn.
	eval[bool](tb, `(() => {
		window.seen = new Promise(done => document.addEventListener('click', e => {
			const start = e.timeStamp;
			requestAnimationFrame(frame => done({
				pressed: e.target.closest('button').getAttribute('aria-pressed'), handled: performance.now() - start }));
		}, { once: true, capture: true }));
		return true;
	})()`)
	at := eval[[]float64](tb, `(() => { const r = document.querySelector(`+quoted(like(post))+`).getBoundingClientRect(); return [r.x + r.width/2, r.y + r.height/2] })()`)
	tb.press(at[0], at[1])
	seen := eval[struct {
		Pressed string  `json:"pressed"`
		Handled float64 `json:"handled"`
	}](tb, `window.seen`)
	if seen.Pressed != fmt.Sprint(!was) {
		t.Errorf("in the frame of the click the button says %q, before it said %v", seen.Pressed, was)
	}
	t.Logf("from the mouse button to the frame: %.1f ms", seen.Handled)
	if s.truth(post, "ada").Liked != was {
		t.Error("the server knew at once: the test tests nothing")
	}
	tb.until(`document.querySelector('.post .status')`)
	tb.shot("like-on-its-way")
	tb.until(allSaved)
	if s.truth(post, "ada").Liked == was {
		t.Error("the server does not have the like")
	}
}

func TestTenQuickTaps(t *testing.T) {
	s := startServer(t)
	ada, other := signIn(t, s.URL(), "ada"), signIn(t, s.URL(), "kofi")
	post := ada.firstPost()
	was := s.truth(post, "ada")
	s.network(fault.Rule{LatencyMs: 100, JitterMs: 200})
	for _, taps := range []int{10, 9} {
		eval[bool](ada, fmt.Sprintf(`(() => { for (let i = 0; i < %d; i++) document.querySelector(%s).click(); return true })()`, taps, quoted(like(post))))
		ada.until(allSaved)
	}
	ada.until(liked(post, !was.Liked))
	now := s.truth(post, "ada")
	if now.Liked == was.Liked || now.Post.Version != was.Post.Version+1 {
		t.Errorf("nineteen taps: liked %v, version %d; before: %v, %d", now.Liked, now.Post.Version, was.Liked, was.Post.Version)
	}
	other.until(fmt.Sprintf(`document.querySelector('%s .count').textContent === '%d'`, like(post), now.Post.Likes))
}

func TestTwoBrowsersFightOverOneLike(t *testing.T) {
	s := startServer(t)
	phone, laptop := signIn(t, s.URL(), "wren"), signIn(t, s.URL(), "wren")
	post := phone.firstPost()
	if s.truth(post, "wren").Liked {
		phone.click(like(post))
		phone.until(allSaved)
	}
	laptop.until(liked(post, false))
	// The phone taps first, and its tap arrives last. It is in a pocket, where it follows no
	// stream: it must not hear of the laptop's taps before it sends its own.
	phone.hide()
	phone.offline(true)
	phone.until(`document.querySelector('.link-state').textContent.startsWith('Offline')`)
	phone.click(like(post))
	for _, on := range []bool{true, false} {
		laptop.click(like(post))
		laptop.until(liked(post, on))
		laptop.until(allSaved)
	}
	phone.until(liked(post, true))
	phone.offline(false)
	phone.until(allSaved)
	phone.until(liked(post, false))
	laptop.until(liked(post, false))
	phone.until(`document.querySelector('.resolved')`)
	phone.shot("conflict-resolved")
	if s.truth(post, "wren").Liked {
		t.Error("the later tap was the laptop's, which took the like back")
	}
}

func TestOfflineForAWhile(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "mika")
	post := tb.firstPost()
	was := s.truth(post, "mika")
	tb.offline(true)
	tb.click(like(post))
	tb.click(strings.Replace(like(post), "like", "save", 1))
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	for i := range 3 {
		tb.write(`.composer textarea`, fmt.Sprintf("written offline, %d", i))
	}
	tb.until(`document.querySelectorAll('.comment.pending').length === 3`)
	tb.shot("offline")
	if s.truth(post, "mika").Post.Version != was.Post.Version {
		t.Fatal("something arrived while offline")
	}
	tb.offline(false)
	tb.until(allSaved)
	now := s.truth(post, "mika")
	if now.Post.Version != was.Post.Version+5 || now.Liked == was.Liked || now.Saved == was.Saved || now.Post.Comments != was.Post.Comments+3 {
		t.Errorf("after five changes: %+v; before: %+v", now.Post, was.Post)
	}
	for i, c := range now.Comments[len(now.Comments)-3:] {
		if c.Text != fmt.Sprintf("written offline, %d", i) {
			t.Errorf("comment %d: %q", i, c.Text)
		}
	}
}

func TestAnswerLost(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "tomas")
	tb.expectFaults()
	post := tb.firstPost()
	was := s.truth(post, "tomas")
	s.network(fault.Rule{LoseAnswer: 1})
	tb.click(like(post))
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	tb.write(`.composer textarea`, "only once")
	tb.until(allSaved) // the stream, which was open before, says so
	s.network(fault.Rule{})
	now := s.truth(post, "tomas")
	if now.Post.Version != was.Post.Version+2 || now.Liked == was.Liked || now.Post.Comments != was.Post.Comments+1 {
		t.Errorf("after two changes: %+v; before: %+v", now.Post, was.Post)
	}
}

func TestServerKilledAndRestarted(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ines")
	tb.expectFaults()
	post := tb.firstPost()
	was := s.truth(post, "ines")
	s.network(fault.Rule{LatencyMs: 300})
	tb.click(like(post))
	tb.until(`document.querySelector('.link-state.soon')`)
	s.stop()
	tb.until(`document.querySelector('.link-state.bad')`)
	tb.until(`document.querySelector('.post .status').textContent.includes('waiting')`)
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	tb.write(`.composer textarea`, "while nobody was there")
	tb.shot("server-gone")
	s.start()
	tb.until(allSaved)
	tb.until(liked(post, !was.Liked))
	now := s.truth(post, "ines")
	if now.Liked == was.Liked || now.Post.Comments != was.Post.Comments+1 || now.Post.Version != was.Post.Version+2 {
		t.Errorf("after two changes: %+v liked %v; before: %+v", now.Post, now.Liked, was.Post)
	}
}
