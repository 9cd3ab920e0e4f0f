package e2e

import (
	"testing"

	"github.com/optimist-go/optimist/engagement/page"
)

// TestStartingPage: who opens the page while it is compiled is told so, and gets the page
// without doing anything.
func TestStartingPage(t *testing.T) {
	s := startServer(t)
	late, err := page.NewLate()
	if err != nil {
		t.Fatal(err)
	}
	whole := s.page
	s.stop()
	s.page = late
	s.start()
	tb := newTab(t)
	tb.do(navigate(s.URL()))
	tb.until(`document.body.innerText.includes('The page opens by itself')`)
	tb.shot("starting")
	tb.do(viewport(375, 800))
	tb.dark(true)
	tb.shot("starting-phone-dark")
	late.Set(whole)
	tb.arrives(clientThere + ` && document.querySelectorAll('.post').length > 3`)
}
