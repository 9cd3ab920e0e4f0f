package e2e

import (
	"fmt"
	"testing"
)

// moves records the layout shifts of the page from now on.
const moves = `(window.moved = 0, window.shifts = new PerformanceObserver(list => { for (const e of list.getEntries()) window.moved += e.value; }),
	window.shifts.observe({ type: 'layout-shift' }), true)`

// moved is how far things have moved since, when the page has been drawn.
const moved = `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
	for (const e of window.shifts.takeRecords()) window.moved += e.value;
	done(window.moved);
}))))`

// TestNothingMovesWhenThePanelOpens, nor when it closes, nor when operations come into it.
func TestNothingMovesWhenThePanelOpens(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	const feedAt = `(r => [r.left, r.top, r.width].join())(document.querySelector('#feed').getBoundingClientRect())`
	was := eval[string](tb, feedAt)
	tb.shot("closed")
	eval[bool](tb, moves)
	tb.click(`#lab [data-act="lab"]`)
	tb.until(`document.querySelector('.panel .chip') && document.activeElement.matches('.lab-inner')`)
	tb.click(like(tb.firstPost()))
	tb.until(`document.querySelector('.life .state.good')`)
	if now := eval[string](tb, feedAt); now != was {
		t.Errorf("the feed was at %s, and is at %s", was, now)
	}
	tb.shot("open")
	tb.click(`.bar [data-act="lab"]`)
	tb.until(`!document.querySelector('.panel')`)
	if far := eval[float64](tb, moved); far != 0 {
		t.Errorf("layout shift %.4f", far)
	}
}

// cut lists the elements of the panel that are wider than their place, or beside the page.
const cut = `[...document.querySelectorAll('.lab-inner *, .tabs *, .bar *')].filter(e => {
	const r = e.getBoundingClientRect();
	return r.width && !e.closest('.unseen') && (r.right > innerWidth || r.left < 0 || e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'hidden');
}).map(e => e.outerHTML.slice(0, 100))`

// TestTabsOfAPhone: the operations are a tab beside the feed, by finger and by keyboard, and
// nothing of them is cut off.
func TestTabsOfAPhone(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	const onFeed = `document.querySelector('#tab-feed').getAttribute('aria-selected') === 'true' && !document.querySelector('.lab-inner') && document.querySelector('.post').checkVisibility({ visibilityProperty: true })`
	const onLab = `document.querySelector('#tab-lab').getAttribute('aria-selected') === 'true' && document.querySelector('.timeline')?.checkVisibility({ visibilityProperty: true }) && !document.querySelector('.post').checkVisibility({ visibilityProperty: true })`
	for _, width := range []int64{390, 320} {
		tb.do(viewport(width, 700))
		tb.until(fmt.Sprintf(`innerWidth === %d && document.querySelector('#feed-panel').getAttribute('role') === 'tabpanel' && `, width) + onFeed)
		post := tb.firstPost()
		eval[bool](tb, `(() => { for (let i = 0; i < 3; i++) document.querySelector('`+like(post)+`').click(); return true })()`)
		eval[bool](tb, `(window.scrollTo(0, 300), true)`)
		tb.shot(fmt.Sprint("feed-", width))
		tb.click(`#tab-lab`)
		tb.until(onLab + ` && document.querySelector('.panel .chip') && document.querySelector('.life .state.good')`)
		if y := eval[float64](tb, `document.querySelector('.timeline').getBoundingClientRect().top - document.querySelector('.bar').getBoundingClientRect().bottom`); y < 0 || y > 40 {
			t.Errorf("%d px: the operations begin %.0f px below the bar", width, y)
		}
		for _, e := range eval[[]string](tb, cut) {
			t.Errorf("%d px: cut off: %s", width, e)
		}
		for _, control := range eval[[]string](tb, `[...document.querySelectorAll('.tabs button, .lab-inner :is(button, input)')].filter(e => { const r = e.getBoundingClientRect(); return r.width < 44 || r.height < 44 }).map(e => e.outerHTML.slice(0, 80))`) {
			t.Errorf("%d px: too small: %s", width, control)
		}
		tb.shot(fmt.Sprint("operations-", width))
		eval[bool](tb, `(document.querySelector('.lab').scrollTo(0, 9999), true)`)
		tb.shot(fmt.Sprint("network-", width))
		eval[bool](tb, `(document.querySelector('.lab').scrollTo(0, 0), true)`)
		tb.click(`#tab-feed`)
		tb.until(onFeed)
		if y := eval[float64](tb, `scrollY`); y != 300 {
			t.Errorf("%d px: the feed was left at 300, and is at %.0f", width, y)
		}
		eval[bool](tb, `(document.querySelector('#tab-feed').focus(), true)`)
		tb.key("\u0303") // the right arrow
		tb.until(onLab + ` && document.activeElement.id === 'tab-lab' && document.querySelector('#tab-feed').tabIndex === -1`)
		tb.key("\u0302")
		tb.until(onFeed + ` && document.activeElement.id === 'tab-feed'`)
	}
	tb.do(viewport(1280, 900))
	tb.until(`!document.querySelector('#feed-panel').hasAttribute('role') && !document.querySelector('#tab-feed').checkVisibility()`)
}

// TestNoNetworkPanel: a server without one has no button for it, from the first markup on.
func TestNoNetworkPanel(t *testing.T) {
	s := startServer(t)
	s.stop()
	s.start("-demo=false")
	tb := openTab(t, s.URL())
	tb.until(`document.querySelector('.link-state.good')`)
	for _, look := range []string{`document.querySelector('.bar')`, `new DOMParser().parseFromString(await (await fetch('/')).text(), 'text/html').querySelector('.bar')`} {
		if words := eval[string](tb, `(async () => (`+look+`).textContent)()`); words != "engagedConnectedOperations" && words != "engagedConnectingOperations" {
			t.Errorf("the bar says %q", words)
		}
	}
	tb.click(`[data-act="lab"]`)
	tb.until(`document.querySelector('.timeline')`)
	if n := eval[int](tb, `document.querySelectorAll('.panel').length`); n != 1 {
		t.Errorf("%d panels", n)
	}
	tb.shot("no-network")
}
