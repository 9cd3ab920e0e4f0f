package e2e

import (
	"fmt"
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestSpeed measures, and asserts only bounds that a broken page would miss by far: a
// busy machine must not make it fail.
func TestSpeed(t *testing.T) {
	s := startServer(t)
	for i := range 1000 {
		_, err := s.Store().Apply(t.Context(), engagement.Operation{
			Key: fmt.Sprintf("speed-%d", i), Kind: engagement.CreatePost, User: "wren", Post: engagement.NewID(), Text: fmt.Sprintf("Post number %d", i),
			Stamp: engagement.Stamp{At: wire.NewStamp(1_700_000_000_000, uint16(i)), Client: "test"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tb := signIn(t, s.URL(), "ada")

	tb.open(s.URL()) // from a warm cache
	tb.until(`performance.getEntriesByName('engaged-feed')[0] && ` + allSaved)
	started := eval[struct {
		Ready float64 `json:"ready"`
		Feed  float64 `json:"feed"`
		Wasm  float64 `json:"wasm"`
	}](tb, `(() => {
		const at = name => performance.getEntriesByName(name)[0].startTime;
		return { ready: at('engaged-ready'), feed: at('engaged-feed'), wasm: performance.getEntriesByType('resource').find(r => r.name.endsWith('.wasm')).responseEnd };
	})()`)
	t.Logf("from navigation, warm cache: wasm there %.0f ms, listening %.0f ms, posts on the page %.0f ms", started.Wasm, started.Ready, started.Feed)

	for n := 20; n < 1000; n += 100 {
		tb.click(`[data-act="more"]`)
		tb.until(fmt.Sprintf(`document.querySelectorAll('.post').length >= %d`, min(n+100, 1000)))
	}
	took := eval[struct{ Shown, Laid []float64 }](tb, `(async () => {
		const buttons = [...document.querySelectorAll('[data-act="like"]')];
		const frame = () => new Promise(requestAnimationFrame);
		const Shown = [], Laid = [];
		for (let i = 0; i < 300; i++) {
			const b = buttons[i * 3];
			b.scrollIntoView({ block: 'center' });
			await frame(); await frame();
			const before = b.getAttribute('aria-pressed'), start = performance.now();
			b.click();
			Shown.push(performance.now() - start);
			b.getBoundingClientRect(); // with style and layout
			Laid.push(performance.now() - start);
			if (b.getAttribute('aria-pressed') === before) throw new Error('not to be seen');
		}
		const sort = list => list.sort((a, b) => a - b);
		return { Shown: sort(Shown), Laid: sort(Laid) };
	})()`)
	posts := eval[int](tb, `document.querySelectorAll('.post').length`)
	p := func(list []float64, share int) float64 { return list[len(list)*share/100] }
	t.Logf("%d posts, from a click to the changed page: p50 %.2f ms, p99 %.2f ms; with style and layout: p50 %.2f ms, p99 %.2f ms; a frame is 16.7 ms",
		posts, p(took.Shown, 50), p(took.Shown, 99), p(took.Laid, 50), p(took.Laid, 99))
	if p(took.Shown, 50) > 250 {
		t.Errorf("half of the clicks take more than %.0f ms", p(took.Shown, 50))
	}
	if started.Feed > 15_000 {
		t.Errorf("the page took %.0f ms", started.Feed)
	}
}
