package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// journalPage runs a program for the browser. Go's tests ask for folders, which there
// are none of; names are all that they need.
const journalPage = `<!doctype html><html data-ready><meta charset="utf-8"><title>journal</title><link rel="icon" href="data:,"><script>
window.said = "";
const ok = (...args) => args.at(-1)(null);
globalThis.fs = {
	constants: { O_WRONLY: -1, O_RDWR: -1, O_CREAT: -1, O_TRUNC: -1, O_APPEND: -1, O_EXCL: -1, O_DIRECTORY: -1 },
	writeSync(fd, bytes) { window.said += new TextDecoder().decode(bytes); return bytes.length; },
	write(fd, bytes, offset, length, position, callback) { callback(null, this.writeSync(fd, bytes.subarray(offset, offset + length))); },
	mkdir: ok, rmdir: ok, unlink: ok,
};
</script><script src="/wasm_exec.js"></script><script>
const go = new Go();
go.argv = ["test", "-test.v", "-test.short"];
go.exit = (code) => { window.exitCode = code; };
WebAssembly.instantiateStreaming(fetch("/program.wasm"), go.importObject).then((r) => go.run(r.instance)).then(() => { window.over = true; });
</script></html>`

// serveProgram compiles a program for the browser and gives it out with a page.
func serveProgram(t *testing.T, args ...string) string {
	t.Helper()
	openChrome(t) // skips first where there is none
	file := filepath.Join(t.TempDir(), "program.wasm")
	cmd := exec.Command("go", append([]string{args[0]}, append(args[1:len(args)-1:len(args)-1], "-o", file, args[len(args)-1])...)...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, journalPage)
	})
	mux.HandleFunc("/wasm_exec.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	})
	mux.HandleFunc("/program.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// TestJournalInTheBrowser runs the tests of package idbjournal, which hold the suite
// that every journal passes.
func TestJournalInTheBrowser(t *testing.T) {
	url := serveProgram(t, "test", "-c", "github.com/optimist-go/optimist/idbjournal")
	tb := openTab(t, url)
	tb.until(`window.over`)
	said := eval[string](tb, `window.said`)
	if eval[int](tb, `window.exitCode ?? 0`) != 0 || !strings.Contains(said, "--- PASS: TestSuite") {
		t.Errorf("the tests in the browser say:\n%s", said)
	}
	t.Logf("%d tests passed in the browser", strings.Count(said, "--- PASS"))
}

// beside opens another tab of the same profile.
func (tb *tab) beside(url string) *tab {
	tb.t.Helper()
	ctx, cancel := chromedp.NewContext(tb.ctx)
	tb.t.Cleanup(cancel)
	other := &tab{t: tb.t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		tb.t.Fatal(err)
	}
	other.open(url)
	return other
}

// crash ends the process of the tab as a defect of the browser would. It returns when the
// process has ended: a page that is opened before, with a service worker in that process,
// would wait for it for ever.
func (tb *tab) crash() {
	tb.t.Helper()
	ctx, cancel := context.WithCancel(tb.ctx)
	crashed := make(chan struct{}, 1)
	if err := chromedp.Listen(ctx, func(e any) {
		if _, ok := e.(*inspector.EventTargetCrashed); ok {
			select {
			case crashed <- struct{}{}:
			default:
			}
		}
	}); err != nil {
		tb.t.Fatal(err)
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = chromedp.Call(ctx, page.Crash, cdp.Empty{}) // there is nobody left to answer
	}()
	tb.t.Cleanup(func() {
		cancel()
		<-asked
	})
	select {
	case <-crashed:
	case <-time.After(patience):
		tb.t.Fatal("the tab does not crash")
	}
}

func (tb *tab) journal(call string) string {
	tb.t.Helper()
	tb.until(`document.documentElement.hasAttribute('data-journal')`)
	return eval[string](tb, `journal.`+call)
}

func TestJournalOwnersAndCrash(t *testing.T) {
	url := serveProgram(t, "build", "./testdata/journalpage")
	first := openTab(t, url)
	second := first.beside(url)
	for _, step := range []struct {
		tab  *tab
		call string
		want string
	}{
		{first, `open("j")`, "open"},
		{first, `write(1, "one")`, "written"},
		{second, `open("j")`, "owned"},
		{second, `open("another")`, "open"},
		{first, `write(2, "two")`, "written"},
	} {
		if got := step.tab.journal(step.call); got != step.want {
			t.Fatalf("%s: %s, want %s", step.call, got, step.want)
		}
	}
	first.crash()
	second.journal(`open("j").then(async (s) => {
		for (; s === "owned"; s = await journal.open("j")) await new Promise((r) => setTimeout(r, 10));
		return s;
	})`) // as soon as the browser has noticed
	if got := second.journal(`load()`); got != "one two" {
		t.Errorf("after the crash the journal holds %q", got)
	}
	second.open(url)
	if got := second.journal(`open("j")`); got != "open" {
		t.Errorf("after a reload: %s", got)
	}
}

func TestJournalQuota(t *testing.T) {
	url := serveProgram(t, "build", "./testdata/journalpage")
	tb := openTab(t, url)
	if _, err := chromedp.Call(tb.ctx, storage.OverrideQuotaForOrigin, storage.OverrideQuotaForOriginParams{Origin: url, QuotaSize: new(float64(3 << 20))}); err != nil {
		t.Fatal(err)
	}
	tb.journal(`open("q")`)
	tb.journal(`write(1, "before")`)
	if got := tb.journal(`fill()`); got != "quota" {
		t.Fatalf("filled the disk: %s", got)
	}
	if _, err := chromedp.Call(tb.ctx, storage.OverrideQuotaForOrigin, storage.OverrideQuotaForOriginParams{Origin: url}); err != nil {
		t.Fatal(err)
	}
	if got := tb.journal(`write(2, "after")`); got != "written" {
		t.Errorf("with room again: %s", got)
	}
}
