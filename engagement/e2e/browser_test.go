package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const patience = 60 * time.Second

// chrome is the browser of all tests; each tab has a profile of its own in it.
var chrome struct {
	once    sync.Once
	ctx     context.Context
	closers []context.CancelFunc
	err     error
}

func openChrome(t *testing.T) context.Context {
	t.Helper()
	path := findChrome()
	if path == "" {
		t.Skip("NO BROWSER: Chromium is not installed, and nothing of the page is tested in a browser")
	}
	chrome.once.Do(func() {
		options := []chromedp.ExecAllocatorOption{
			chromedp.ExecPath(path), chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU,
			chromedp.WindowSize(1280, 900), chromedp.Flag("disable-dev-shm-usage", true),
		}
		if os.Geteuid() == 0 {
			options = append(options, chromedp.NoSandbox)
		}
		ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
		chrome.closers = append(chrome.closers, cancel)
		chrome.ctx, cancel = chromedp.NewContext(ctx)
		chrome.closers = append(chrome.closers, cancel)
		chrome.err = chromedp.Do(chrome.ctx) // without a deadline: it would become the browser's
	})
	if chrome.err != nil {
		t.Fatalf("the browser does not start: %v", chrome.err)
	}
	return chrome.ctx
}

func findChrome() string {
	for _, name := range []string{"chromium-headless-shell", "headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func closeChrome() {
	for i := len(chrome.closers) - 1; i >= 0; i-- {
		chrome.closers[i]()
	}
}

// tab is one browser of one person.
type tab struct {
	t   *testing.T
	ctx context.Context

	// mu guards the fields below it.
	mu     sync.Mutex
	faulty bool // requests are expected to fail
	bad    []string
}

// openTab opens a page in a profile of its own.
func openTab(t *testing.T, url string) *tab {
	t.Helper()
	tb := newTab(t)
	tb.open(url)
	return tb
}

// newTab makes a tab in a profile of its own, with an empty cache.
func newTab(t *testing.T) *tab {
	t.Helper()
	parent := openChrome(t)
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	tb := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleException || m.Type == chromedp.ConsoleType("error") {
				tb.mu.Lock()
				tb.bad = append(tb.bad, m.String())
				tb.mu.Unlock()
			} else {
				t.Logf("console: %s", m) // where a panic in the page is told
			}
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			tb.shot("failed")
		}
		cancel()
		<-listened
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, m := range tb.bad {
			if tb.faulty && (strings.Contains(m, "Failed to load resource") || strings.Contains(m, "net::ERR_") || strings.Contains(m, "HTTP status code is not ok")) {
				continue // the browser tells of faults that the test made
			}
			t.Errorf("console: %s", m)
		}
	})
	tb.do(chromedp.EmulateViewport(1280, 900))
	return tb
}

// signIn opens the page as a person of the demo.
func signIn(t *testing.T, url, name string) *tab {
	t.Helper()
	tb := openTab(t, url)
	tb.until(`document.querySelector('[data-value="` + name + `"]')`)
	tb.click(`[data-value="` + name + `"]`)
	tb.until(`document.querySelector('.me .name')?.textContent === '` + name + `' && document.querySelectorAll('.post').length > 3 && document.querySelector('.link-state.good')`)
	return tb
}

func (tb *tab) expectFaults() {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.faulty = true
}

func (tb *tab) open(url string) {
	tb.t.Helper()
	tb.do(chromedp.Navigate(url))
	tb.until(`document.documentElement.hasAttribute('data-ready')`)
}

func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.t.Fatal(err)
	}
}

// eval runs a script that returns a value.
func eval[T any](tb *tab, script string) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// until waits until the script's value is true. The page is looked at in each frame.
func (tb *tab) until(script string) {
	tb.t.Helper()
	find[bool](tb, `!!(`+script+`)`)
}

// find returns the first value of a script that is true, or as good as true. The page is looked at
// in each frame.
func find[T any](tb *tab, script string) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience+5*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Poll[T](script, chromedp.WithPollingTimeout(patience)))
	if err != nil {
		tb.t.Fatalf("never: %s: %v\n%s", script, err, eval[string](tb, `location.href + ' says: ' + document.body.innerText.slice(0, 1500)`))
	}
	return v
}

// arrives waits until the browser has gone to a page by itself on which the script's value is
// true.
func (tb *tab) arrives(script string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`!!(`+script+`)`)) // fails while the page changes
		if err == nil && there {
			return
		}
		chromedp.Do(ctx, chromedp.Sleep(20*time.Millisecond))
	}
	tb.t.Fatalf("never: %s", script)
}

// click makes a click as a script can; the page cannot tell it from a person's.
func (tb *tab) click(selector string) {
	tb.t.Helper()
	tb.until(`document.querySelector(` + quoted(selector) + `)`)
	eval[bool](tb, `(document.querySelector(`+quoted(selector)+`).click(), true)`)
}

// write puts a text into a field and sends its form.
func (tb *tab) write(selector, text string) {
	tb.t.Helper()
	tb.until(`document.querySelector(` + quoted(selector) + `)`)
	eval[bool](tb, `(() => { const f = document.querySelector(`+quoted(selector)+`); f.value = `+quoted(text)+`; f.form.requestSubmit(); return true })()`)
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// offline takes the browser's network away, or gives it back.
func (tb *tab) offline(off bool) {
	tb.t.Helper()
	tb.expectFaults()
	tb.bypassWorker()
	conditions := &network.Conditions{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}
	if _, err := chromedp.Call(tb.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{conditions},
	}); err != nil {
		tb.t.Fatal(err)
	}
	if _, err := chromedp.Call(tb.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: off, DownloadThroughput: -1, UploadThroughput: -1,
	}); err != nil {
		tb.t.Fatal(err)
	}
}

// fast3G is Chromium's own profile of that name.
var fast3G = &network.Conditions{Latency: 562.5, DownloadThroughput: 1.6 * 1024 * 1024 / 8 * .9, UploadThroughput: 750 * 1024 / 8 * .9}

// bypassWorker leaves the service worker out: its network is not the one that a test makes
// bad.
func (tb *tab) bypassWorker() {
	tb.t.Helper()
	if _, err := chromedp.Call(tb.ctx, network.SetBypassServiceWorker, network.SetBypassServiceWorkerParams{Bypass: true}); err != nil {
		tb.t.Fatal(err)
	}
}

// slow makes the browser's network slow.
func (tb *tab) slow(c *network.Conditions) {
	tb.t.Helper()
	tb.bypassWorker()
	if _, err := chromedp.Call(tb.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{c},
	}); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) clearCache() {
	tb.t.Helper()
	if _, err := chromedp.Call(tb.ctx, network.ClearBrowserCache, chromedp.Void{}); err != nil {
		tb.t.Fatal(err)
	}
}

// before runs a script at the beginning of each page.
func (tb *tab) before(script string) {
	tb.t.Helper()
	if _, err := chromedp.Call(tb.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) dark(on bool) {
	tb.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	if _, err := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		tb.t.Fatal(err)
	}
	tb.until(`document.getAnimations().every(a => !(a instanceof CSSTransition))`) // colours have changed
}

// hide tells the page that nobody sees it.
func (tb *tab) hide() {
	tb.t.Helper()
	eval[bool](tb, `(() => {
		Object.defineProperty(document, 'hidden', { get: () => true });
		document.dispatchEvent(new Event('visibilitychange'));
		return true;
	})()`)
}

// shot takes a picture of the page, for people.
func (tb *tab) shot(name string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(tb.t.ArtifactDir(), name+".png"), picture, 0o644)
	}
	if err != nil {
		tb.t.Errorf("screenshot %s: %v", name, err)
	}
}

func viewport(width, height int64) chromedp.Action[chromedp.Void] {
	return chromedp.EmulateViewport(width, height)
}

// press is a mouse button, pressed and let go.
func (tb *tab) press(x, y float64) {
	tb.t.Helper()
	tb.do(chromedp.MouseClickXY(x, y))
}

// key is keys that are pressed where the focus is.
func (tb *tab) key(keys string) {
	tb.t.Helper()
	tb.do(chromedp.KeyEvent(keys))
}

// enter presses the Enter key as a keyboard does: its character belongs to the press,
// and does not come when the page takes the press for itself.
func (tb *tab) enter() {
	tb.t.Helper()
	press := input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13, Text: "\r", UnmodifiedText: "\r",
	}
	release := press
	release.Type, release.Text, release.UnmodifiedText = input.DispatchKeyEventTypeKeyUp, "", ""
	for _, e := range []input.DispatchKeyEventParams{press, release} {
		if _, err := chromedp.Call(tb.ctx, input.DispatchKeyEvent, e); err != nil {
			tb.t.Fatal(err)
		}
	}
}

// tabTo presses the tabulator until the focus is on an element.
func (tb *tab) tabTo(selector string) {
	tb.t.Helper()
	tb.until(`document.querySelector(` + quoted(selector) + `)`)
	for range 150 {
		if eval[bool](tb, `document.activeElement.matches(`+quoted(selector)+`)`) {
			return
		}
		tb.key("\t")
	}
	tb.t.Fatalf("the tabulator never comes to %s", selector)
}

func navigate(url string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(url) }
