package e2e

import "testing"

// TestLook takes pictures of the main states, for people to look at.
func TestLook(t *testing.T) {
	s := startServer(t)
	tb := openTab(t, s.URL())
	tb.until(`document.querySelectorAll('.post').length > 3`)
	tb.shot("01-signed-out")
	tb.click(`[data-value="ada"]`)
	tb.until(`document.querySelector('.me') && ` + allSaved)
	tb.click(`[data-act="lab"]`)
	tb.until(`document.querySelector('.lab-inner .chip')`)
	tb.click(`[data-act="net-profile"][data-value="lossy"]`)
	tb.expectFaults()
	tb.until(`document.querySelector('.lab-inner .chip[aria-pressed="true"]').textContent === 'lossy'`)
	for _, n := range []string{"2", "3", "4", "5"} {
		tb.click(`.post:nth-child(` + n + `) [data-act="like"]`)
		tb.click(`.post:nth-child(` + n + `) [data-act="save"]`)
	}
	tb.click(`.post:nth-child(3) [data-act="comments"]`)
	tb.write(`.post:nth-child(3) textarea`, "What a day. <b>bold</b>")
	tb.until(`document.querySelectorAll('.life').length > 7 && document.querySelector('.life .state.good')`)
	tb.shot("02-lab-at-work")
	tb.until(allSaved)
	tb.shot("02-lab")
	tb.dark(true)
	tb.shot("03-dark")
	tb.dark(false)
	tb.do(viewport(375, 800))
	tb.shot("04-phone-lab")
	tb.until(allSaved)
	tb.click(`[data-act="lab"]`)
	tb.until(`!document.querySelector('.panel')`)
	if wide := eval[int](tb, `document.documentElement.scrollWidth`); wide > 375 {
		t.Errorf("on a phone the page is %d wide", wide)
	}
	tb.shot("05-phone")
	tb.do(viewport(760, 3300))
	tb.do(navigate(s.URL() + "/gallery"))
	tb.shot("06-gallery")
	tb.dark(true)
	eval[bool](tb, `(window.scrollTo(0, 3200), true)`)
	tb.shot("07-gallery-dark")
	if n := eval[int](tb, `document.querySelectorAll('.exhibit').length`); n < 45 {
		t.Errorf("%d exhibits", n)
	}
}
