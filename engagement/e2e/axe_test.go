package e2e

import (
	"fmt"
	"os"
	"testing"
)

// loadAxe returns the script of the accessibility rules.
func loadAxe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("testdata/axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		say := t.Skipf
		if os.Getenv("CI") == "true" {
			say = t.Fatalf
		}
		say("NO AXE: run npm ci in engagement/e2e/testdata/axe, and the accessibility rules are checked: %v", err)
	}
	return string(script)
}

// broken lists the rules that the page breaks, each with its elements.
const broken = `axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n =>
	(document.querySelector(n.target[0])?.closest('.exhibit')?.firstChild.textContent ?? '') + ' ' + n.html.slice(0, 120) + ' ' + n.failureSummary).join(' | ').slice(0, 900)))`

// rest ends all animations: a text that fades in cannot be read at first.
const rest = `(document.getAnimations().forEach(a => a.effect.getComputedTiming().iterations === Infinity ? a.cancel() : a.finish()), true)`

// TestAccessibilityRules: each state of the views obeys them, on a phone and on a desktop, in
// light and in dark.
func TestAccessibilityRules(t *testing.T) {
	s := startServer(t)
	axe := loadAxe(t)
	whole := signIn(t, s.URL(), "ada")
	eval[bool](whole, axe+"; true")
	tb := newTab(t)
	tb.do(navigate(s.URL() + "/gallery"))
	tb.until(`document.querySelectorAll('.exhibit').length > 40`)
	eval[bool](tb, axe+"; true")
	for _, width := range []int64{390, 1280} { // the page itself, with each of its tabs
		whole.do(viewport(width, 900))
		whole.until(fmt.Sprintf(`innerWidth === %d`, width))
		for range 2 {
			eval[bool](whole, rest)
			for _, rule := range eval[[]string](whole, broken) {
				t.Errorf("the page, %d px: %s", width, rule)
			}
			was := eval[bool](whole, `!!document.querySelector('.lab-inner .chip')`)
			whole.click(`.bar [data-act="lab"]`)
			whole.until(fmt.Sprintf(`!!document.querySelector('.lab-inner .chip') !== %v`, was))
		}
	}
	for _, width := range []int64{390, 1280} {
		for _, dark := range []bool{false, true} {
			tb.do(viewport(width, 900))
			tb.dark(dark)
			tb.until(fmt.Sprintf(`innerWidth === %d && matchMedia('(prefers-color-scheme: dark)').matches === %v`, width, dark))
			eval[bool](tb, rest)
			for _, rule := range eval[[]string](tb, broken) {
				t.Errorf("%d px, dark %v: %s", width, dark, rule)
			}
		}
	}
	// It can find: an element without a name, and one that cannot be read.
	eval[bool](tb, `(document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button><p class="hint" id="faint">faint</p>'),
		document.getElementById('faint').style.color = '#444', true)`)
	if found := eval[[]string](tb, broken); len(found) != 2 {
		t.Errorf("of two faults the rules found: %q", found)
	}
}
