package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// leader is the window that holds the lock of the stream, and how many wait for it.
func (tb *tab) leader() (id string, waiting int) {
	tb.t.Helper()
	locks := eval[struct {
		Held    []string `json:"held"`
		Pending int      `json:"pending"`
	}](tb, `navigator.locks.query().then(q => ({
		held: q.held.filter(l => l.name.startsWith('engaged stream')).map(l => l.clientId),
		pending: q.pending.filter(l => l.name.startsWith('engaged stream')).length }))`)
	if len(locks.Held) != 1 {
		return "", locks.Pending
	}
	return locks.Held[0], locks.Pending
}

func (tb *tab) closeWindow() {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	_, _ = chromedp.Call(ctx, page.Close, cdp.Empty{}) // there may be nobody left to answer
}

// likeElsewhere is a change that no window makes: each time by somebody else.
func (s *server) likeElsewhere(post string) {
	s.t.Helper()
	s.guests++
	s.elsewhere(engagement.Operation{Kind: engagement.LikePost, User: fmt.Sprint("guest", s.guests), Post: post})
}

// elsewhere carries out an operation that no window has made.
func (s *server) elsewhere(op engagement.Operation) {
	s.t.Helper()
	op.Key, op.Stamp = engagement.NewID(), engagement.Stamp{At: wire.NewStamp(time.Now().UnixMilli(), 0), Client: "elsewhere"}
	if _, err := s.Store().Apply(s.t.Context(), op); err != nil {
		s.t.Fatal(err)
	}
}

func counts(post string, likes int) string {
	return fmt.Sprintf(`document.querySelector('%s .count').textContent === '%d'`, like(post), likes)
}

// TestSixWindowsShareAStream: with a stream each they would hold all connections that the
// browser has for the server, and no request would get through.
func TestSixWindowsShareAStream(t *testing.T) {
	s := startServer(t)
	const live = ready + ` && document.visibilityState === 'visible' && document.querySelector('.link-state.good')`
	first := signIn(t, s.URL(), "ada")
	windows := []*tab{first}
	for range 5 {
		windows = append(windows, first.beside(s.URL()))
	}
	for _, w := range windows {
		w.until(live)
	}
	posts := eval[[]string](first, `[...document.querySelectorAll('.post')].slice(0, 6).map(p => p.dataset.id)`)
	for i, w := range windows {
		was := s.truth(posts[i], "ada").Liked
		w.click(like(posts[i]))
		w.until(allSaved)
		if s.truth(posts[i], "ada").Liked == was {
			t.Fatalf("the server does not have the like of window %d", i)
		}
		for _, other := range windows {
			other.until(liked(posts[i], !was))
		}
	}

	// Who leads goes: for another page, then for good. Something changes meanwhile.
	for i := range 2 {
		leader, waiting := windows[1].leader()
		if want := 5 - i; leader == "" || waiting != want {
			t.Errorf("%d windows wait for leader %q, want %d", waiting, leader, want)
		}
		before, after := posts[2*i], posts[2*i+1]
		s.likeElsewhere(before)
		if i == 0 {
			windows[0].do(chromedp.Navigate("about:blank"))
		} else {
			windows[1].closeWindow()
		}
		s.likeElsewhere(after)
		for _, w := range windows[i+1:] {
			for _, post := range []string{before, after} {
				w.until(counts(post, s.truth(post, "ada").Post.Likes))
			}
		}
		now, gaveUp := leader, time.Now().Add(patience) // the browser may take its time with who is gone
		for now == leader || now == "" {
			if now, _ = windows[5].leader(); time.Now().After(gaveUp) {
				t.Fatalf("%q leads after %q", now, leader)
			}
		}
	}
	windows[4].click(like(posts[5]))
	windows[4].until(allSaved)
	windows[5].until(liked(posts[5], s.truth(posts[5], "ada").Liked))
}

// TestBrowserWithoutLocks: each window has a stream of its own.
func TestBrowserWithoutLocks(t *testing.T) {
	s := startServer(t)
	first := signIn(t, s.URL(), "ada")
	second := first.beside(s.URL())
	for _, w := range []*tab{first, second} {
		if _, err := chromedp.Call(w.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })`,
		}); err != nil {
			t.Fatal(err)
		}
		w.open(s.URL())
		w.until(ready + ` && document.querySelector('.link-state.good')`)
	}
	post := first.firstPost()
	was := s.truth(post, "ada").Liked
	first.click(like(post))
	first.until(allSaved)
	second.until(liked(post, !was))
	s.likeElsewhere(post)
	for _, w := range []*tab{first, second} {
		w.until(counts(post, s.truth(post, "ada").Post.Likes))
	}
}
