package e2e

import "testing"

func TestLook(t *testing.T) {
	s := startServer(t)
	tb := openTab(t, s.URL())
	tb.until(`document.querySelectorAll('.post').length > 3`)
	tb.shot("01-signed-out")
	tb.click(`[data-value="ada"]`)
	tb.until(`document.querySelector('.link-state.good')`)
	tb.shot("02-feed")
	tb.click(`[data-act="lab"]`)
	tb.until(`document.querySelector('.chip')`)
	tb.click(`.post:nth-child(1) [data-act="like"]`)
	tb.click(`.post:nth-child(2) [data-act="comments"]`)
	tb.until(`document.querySelector('.composer')`)
	tb.write(`.post:nth-child(2) textarea`, "What a day. <b>bold</b>")
	tb.until(`document.querySelector('.life .state.good')`)
	tb.shot("03-lab")
	tb.dark(true)
	tb.shot("04-dark")
	tb.dark(false)
	tb.do(viewport(375, 800))
	tb.shot("05-phone-lab")
	tb.click(`[data-act="lab"]`)
	tb.until(`!document.querySelector('.panel')`)
	tb.shot("06-phone")
	tb.open(s.URL())
}
