package e2e

import "testing"

// TestBurst: nine taps on one like are one row with one call among the operations.
func TestBurst(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	post := tb.firstPost()
	was := s.truth(post, "ada").Liked
	tb.click(`[data-act="lab"]`)
	tb.until(`document.querySelector('.panel')`)
	eval[bool](tb, `(() => { for (let i = 0; i < 9; i++) document.querySelector('`+like(post)+`').click(); return true })()`)
	tb.until(`document.querySelector('.life .state.good')?.textContent.includes('9 taps, 1 call') && ` + allSaved)
	if rows := eval[int](tb, `document.querySelectorAll('.life').length`); rows != 1 {
		t.Errorf("%d rows", rows)
	}
	if s.truth(post, "ada").Liked == was {
		t.Error("after nine taps the like is as it was")
	}
	tb.shot("burst")
}
