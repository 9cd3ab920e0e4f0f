package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/optimist-go/optimist/engagement/page"
	"github.com/optimist-go/optimist/engagement/wire"
)

// kept lists the paths in the caches of the service worker, by cache.
const keptFiles = `(async () => {
	const out = [];
	for (const name of await caches.keys())
		for (const r of await (await caches.open(name)).keys()) out.push(name + ' ' + new URL(r.url).pathname);
	return out.sort();
})()`

const workerReady = `navigator.serviceWorker.controller`

// TestOpensWithoutNetwork: the page opens without the server, shows who one is and what is
// stored, and one can go on writing. The browser has kept no answer of the API.
func TestOpensWithoutNetwork(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.expectFaults()
	tb.until(workerReady)
	post := tb.firstPost()
	was := s.truth(post, "ada")
	s.stop()
	tb.click(like(post))
	eval[bool](tb, kept+`(1)`)
	tb.do(navigate(s.URL()))
	tb.until(clientThere + ` && document.querySelector('.me .name')?.textContent === 'ada' && document.querySelector('.kept')?.innerText.includes('1 unsent change')`)
	tb.write(`#new-post`, "written without a network")
	tb.until(`document.querySelector('.kept')?.innerText.includes('written without a network')`)
	tb.until(`document.querySelector('.end [role="alert"]')`)
	eval[bool](tb, kept+`(2)`)
	tb.shot("opened-without-network")
	tb.do(viewport(375, 800))
	tb.dark(true)
	tb.shot("opened-without-network-phone")
	tb.do(navigate(s.URL())) // once more, with both
	tb.until(clientThere + ` && document.querySelector('.kept')?.innerText.includes('2 unsent changes')`)
	s.start()
	tb.until(allSaved + ` && !document.querySelector('.kept')`)
	tb.until(`document.querySelector('.post:first-child')?.innerText.includes('written without a network')`)
	if now := s.truth(post, "ada"); now.Liked == was.Liked {
		t.Error("the like is lost")
	}
	files := eval[[]string](tb, keptFiles)
	for _, file := range files {
		_, path, _ := strings.Cut(file, " ")
		if strings.HasPrefix(path, "/v1/") || path == "/" {
			t.Errorf("the browser has kept %s", path)
		}
	}
	if len(files) != 5 {
		t.Errorf("the browser keeps %q", files)
	}
}

// TestNewVersionReplacesTheOld: the browser keeps the files of one version.
func TestNewVersionReplacesTheOld(t *testing.T) {
	s := startServer(t)
	tb := signIn(t, s.URL(), "ada")
	tb.expectFaults()
	tb.until(workerReady)
	old := eval[[]string](tb, keptFiles)
	b, err := build()
	if err != nil {
		t.Fatal(err)
	}
	s.stop()
	next := &page.Build{Wasm: b.Wasm, Runtime: append([]byte("// newer\n"), b.Runtime...), Hash: "newer"}
	if s.page, err = pageOf(next, func(r *http.Request, limit int) (wire.First, error) { return s.First(r, limit) }); err != nil {
		t.Fatal(err)
	}
	s.start()
	tb.do(navigate(s.URL()))
	tb.until(clientThere)
	was, _, _ := strings.Cut(old[0], " ")
	eval[bool](tb, `(async () => {
		for (;;) {
			const names = await caches.keys();
			if (names.length === 1 && names[0] !== `+quoted(was)+`) break;
			await new Promise(next => setTimeout(next, 50));
		}
		return true;
	})()`)
	if now := eval[[]string](tb, keptFiles); len(now) != len(old) {
		t.Errorf("the browser keeps %q; it kept %q", now, old)
	}
	if first := eval[string](tb, `caches.match('/wasm_exec.js').then(r => r.text())`); !strings.HasPrefix(first, "// newer") {
		t.Error("the browser keeps the old file")
	}
}

// TestStartFails: who gets the page but not the client can read it, is told so, and can try
// again.
func TestStartFails(t *testing.T) {
	s := startServer(t)
	var broken atomic.Bool
	whole := s.page
	s.stop()
	s.page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() && r.URL.Path == "/page.wasm" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		whole.ServeHTTP(w, r)
	})
	s.start()
	broken.Store(true)
	tb := newTab(t)
	tb.expectFaults()
	tb.do(navigate(s.URL()))
	tb.until(`document.querySelectorAll('.post').length > 3 && document.querySelector('.notice')?.innerText.includes('did not start')`)
	tb.shot("start-failed")
	broken.Store(false)
	tb.click(`.notice .button`)
	tb.arrives(clientThere + ` && document.querySelectorAll('.post').length > 3 && !document.querySelector('.notice')`)
}
