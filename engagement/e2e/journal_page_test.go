package e2e

import (
	"testing"

	"github.com/optimist-go/optimist/engagement/fault"
)

// kept is a script that waits until the browser holds a number of ada's operations.
const kept = `((n) => new Promise((done, fail) => {
	const opening = indexedDB.open("engaged ada");
	opening.onerror = () => fail(opening.error);
	opening.onsuccess = () => {
		const look = () => {
			const count = opening.result.transaction("records").objectStore("records").count(IDBKeyRange.lowerBound("0000000000000001"));
			count.onsuccess = () => count.result === n ? (opening.result.close(), done(true)) : setTimeout(look, 5);
		};
		look();
	};
}))`

const ready = `document.querySelectorAll('.post').length > 3 && document.querySelector('.me')`

// slowLike likes the first post on a network so slow that the server does not get it
// before the page goes, and returns the post.
func slowLike(t *testing.T, s *server, tb *tab) (post string, was bool) {
	t.Helper()
	tb.expectFaults()
	post = tb.firstPost()
	was = s.truth(post, "ada").Liked
	s.network(fault.Rule{LatencyMs: 5000})
	tb.click(like(post))
	eval[bool](tb, kept+`(1)`)
	return post, was
}

// arrives checks that a page shows a like of an earlier life, and that it arrives.
func arrives(t *testing.T, s *server, tb *tab, post string, was bool) {
	t.Helper()
	if s.truth(post, "ada").Liked != was {
		t.Fatal("the server has the like already: the test tests nothing")
	}
	s.network(fault.Rule{})
	tb.until(ready)
	tb.until(liked(post, !was))
	tb.until(allSaved)
	if now := s.truth(post, "ada"); now.Liked == was {
		t.Error("the like was lost")
	}
	eval[bool](tb, kept+`(0)`)
}

func TestReloadInsideTheDebounce(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	post, was := slowLike(t, s, tb)
	tb.open(s.URL())
	arrives(t, s, tb, post, was)
}

func TestTabCrash(t *testing.T) {
	s := startServer(t)
	first := signIn(t, s.URL(), "ada")
	post, was := slowLike(t, s, first)
	first.crash()
	second := first.beside(s.URL())
	arrives(t, s, second, post, was)
}

func TestSecondTabSaysThatItKeepsNothing(t *testing.T) {
	s := startServer(t)
	first := signIn(t, s.URL(), "ada")
	second := first.beside(s.URL())
	second.until(ready + ` && document.querySelector('.risk')`)
	if eval[bool](first, `!!document.querySelector('.risk')`) {
		t.Error("the first tab says that it keeps nothing")
	}
	second.shot("second-tab")
	post := second.firstPost()
	was := s.truth(post, "ada").Liked
	second.click(like(post))
	second.until(allSaved)
	first.until(liked(post, !was))
}
