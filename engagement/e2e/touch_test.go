package e2e

import "testing"

// small lists the controls that a finger would miss: below 44 px high or wide.
const small = `[...document.querySelectorAll('button, textarea, input')].filter(e => {
	const r = e.getBoundingClientRect();
	return r.width && (r.width < 44 || r.height < 44);
}).map(e => e.closest('.exhibit').firstChild.textContent + ': ' + e.outerHTML.slice(0, 80) + ' ' + e.getBoundingClientRect().height)`

// TestTouchTargets: on a phone each control of each state is at least 44 px high and wide, and
// no state is wider than the phone.
func TestTouchTargets(t *testing.T) {
	s := startServer(t)
	tb := newTab(t)
	tb.do(viewport(375, 800), navigate(s.URL()+"/gallery"))
	tb.until(`document.querySelectorAll('.exhibit').length > 40`)
	for _, control := range eval[[]string](tb, small) {
		t.Error("too small: " + control)
	}
	if wide := eval[int](tb, `document.documentElement.scrollWidth`); wide > 375 {
		t.Errorf("the gallery is %d wide", wide)
	}
	long := `[...document.querySelectorAll('.text')].filter(e => e.textContent.length > 1000).map(e => e.clientHeight)`
	if h := eval[[]int](tb, long); len(h) != 2 || h[0] > 240 || h[1] < 2*h[0] {
		t.Errorf("a long text is %v px high, clamped and whole", h)
	}
	tb.shot("touch")
}
