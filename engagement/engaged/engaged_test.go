package engaged_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/engagedtest"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/wire"
)

const patience = 20 * time.Second

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	return &http.Client{Jar: jar, Transport: transport, Timeout: patience}
}

func send(t *testing.T, browser *http.Client, method, url, body string, key string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set(wire.HeaderKey, key)
	}
	res, err := browser.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil
	}
	return res.StatusCode, data
}

func TestDemo(t *testing.T) {
	m := engagedtest.Start(t)
	browser := newBrowser(t)
	status, data := send(t, browser, "GET", m.URL()+"/v1/posts?limit=100", "", "")
	page, err := wire.DecodePage(data)
	if status != 200 || err != nil || len(page.Posts) < 10 {
		t.Fatalf("%d %v: %d posts", status, err, len(page.Posts))
	}
	last := time.Now().UnixMilli()
	for _, p := range page.Posts {
		if p.State.CreatedAt >= last {
			t.Errorf("%q is not older than the one before it", p.State.Text)
		}
		last = p.State.CreatedAt
		if p.ChangedAt > time.Now().UnixMilli() {
			t.Errorf("%q was changed in the future", p.State.Text)
		}
	}
	if err := m.Store().Audit(t.Context()); err != nil {
		t.Error(err)
	}
	if status, data := send(t, browser, "GET", m.URL()+"/", "", ""); status != 200 || !strings.Contains(string(data), "<h1>") {
		t.Errorf("the page: %d %s", status, data)
	}
	if status, _ := send(t, browser, "GET", m.URL()+"/nothing", "", ""); status != 404 {
		t.Errorf("no page: %d", status)
	}
}

func TestDemoIsNotWrittenTwice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "engaged.db")
	first := engagedtest.Start(t, "-db", file)
	before, err := first.Store().Posts(t.Context(), "", wire.Selection{}, wire.Cursor{}, 1)
	if err != nil || len(before.Truths) == 0 {
		t.Fatal(before, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := engagedtest.Start(t, "-db", file)
	if after, err := second.Store().Posts(t.Context(), "", wire.Selection{}, wire.Cursor{}, 1); after.After != before.After {
		t.Fatalf("position %s, %v, want %s", after.After, err, before.After)
	}
}

func TestWithoutDemo(t *testing.T) {
	m := engagedtest.Start(t, "-demo=false", "-db", engaged.Memory)
	browser := newBrowser(t)
	if status, _ := send(t, browser, "GET", m.URL()+"/demo/network", "", ""); status != 404 {
		t.Errorf("the network panel is open to all: %d", status)
	}
	_, data := send(t, browser, "GET", m.URL()+"/v1/posts", "", "")
	if page, err := wire.DecodePage(data); err != nil || len(page.Posts) != 0 {
		t.Errorf("%s, %v", data, err)
	}
	if m.Network() != nil {
		t.Error("there is a network to break")
	}
	with := engagedtest.Start(t, "-demo=false", "-faults", "-network", "lossy")
	if status, data := send(t, browser, "GET", with.URL()+"/demo/network", "", ""); status != 200 || !strings.Contains(string(data), `"profile":"lossy"`) {
		t.Errorf("-faults: %d %s", status, data)
	}
}

func TestNetworkPanelOfOneSession(t *testing.T) {
	m := engagedtest.Start(t)
	ada, bob := newBrowser(t), newBrowser(t)
	for name, browser := range map[string]*http.Client{"ada": ada, "bob": bob} {
		if status, data := send(t, browser, "POST", m.URL()+"/v1/session", `{"name":"`+name+`"}`, ""); status != 200 {
			t.Fatalf("%d %s", status, data)
		}
	}
	stream, err := ada.Get(m.URL() + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, "retry: ") {
		t.Fatalf("%q, %v", line, err)
	}
	if status, data := send(t, ada, "PUT", m.URL()+"/demo/network", `{"profile":"offline"}`, ""); status != 200 {
		t.Fatalf("%d %s", status, data)
	}
	if _, err := io.ReadAll(stream.Body); err == nil {
		t.Error("the stream of who is offline ended in peace")
	}
	if status, _ := send(t, ada, "GET", m.URL()+"/v1/posts", "", ""); status != 0 {
		t.Errorf("ada is offline and got %d", status)
	}
	if status, _ := send(t, bob, "GET", m.URL()+"/v1/posts", "", ""); status != 200 {
		t.Errorf("bob is online and got %d", status)
	}
	send(t, ada, "PUT", m.URL()+"/demo/network", `{"rule":{"throttle":1,"retryAfterMs":1500}}`, "")
	status, data := send(t, ada, "GET", m.URL()+"/v1/posts", "", "")
	if p, err := wire.DecodeProblem(data); status != 429 || err != nil || p.RetryAfterMs != 1500 || p.Instance == "" {
		t.Errorf("%d %s, %v", status, data, err)
	}
	send(t, ada, "PUT", m.URL()+"/demo/network", `{}`, "")
	if status, _ := send(t, ada, "GET", m.URL()+"/v1/posts", "", ""); status != 200 {
		t.Errorf("ada is back and got %d", status)
	}
}

// lines is a log that a test can read while it is written.
type lines struct {
	// mu guards the field below it.
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

// of waits for the line about the path.
func (l *lines) of(t *testing.T, path string) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		l.mu.Lock()
		text := l.text.String()
		l.mu.Unlock()
		for line := range strings.Lines(text) {
			var found map[string]any
			if err := json.Unmarshal([]byte(line), &found); err != nil {
				t.Fatal(err)
			}
			if found["path"] == path {
				return found
			}
		}
	}
	t.Fatalf("there is no line about %s", path)
	return nil
}

// TestFaultsOnPurposeAreNoErrors: the log records the faults of the panel below the
// level of errors; real failures are still errors.
func TestFaultsOnPurposeAreNoErrors(t *testing.T) {
	log := new(lines)
	m := engaged.New()
	m.Stderr = log
	m.Config = engaged.Config{Addr: "127.0.0.1:0", DB: filepath.Join(t.TempDir(), "engaged.db"), Demo: true, LogJSON: true, LogLevel: slog.LevelDebug}
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i, row := range []struct {
		rule  fault.Rule
		level string
		says  any
	}{
		{fault.Rule{}, "DEBUG", nil},
		{fault.Rule{ServerError: 1}, "DEBUG", "server error"},
		{fault.Rule{Throttle: 1}, "DEBUG", "throttled"},
		{fault.Rule{LoseRequest: 1}, "DEBUG", "lost request"},
		{fault.Rule{LoseAnswer: 1}, "DEBUG", "lost answer"},
		{fault.Rule{Offline: true}, "DEBUG", "offline"},
		{fault.Rule{}, "WARN", nil}, // the store is closed
		{fault.Rule{LoseAnswer: 1}, "ERROR", "lost answer"},
	} {
		if row.level == "WARN" {
			if err := m.Store().Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Network().Set(fault.Everybody, fault.Setting{Profile: "custom", Rule: row.rule}); err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/v1/posts/01932c07-209b-7b4e-8a0e-5d3d1a2b3c4%d", i)
		send(t, newBrowser(t), "GET", m.URL()+path, "", "")
		if line := log.of(t, path); line["level"] != row.level || line["faultOnPurpose"] != row.says {
			t.Errorf("%+v: %v", row.rule, line)
		}
	}
}

// TestLostAnswersHaveOneEffect is the reason for keys: the client hears nothing,
// sends again, and there is one comment.
func TestLostAnswersHaveOneEffect(t *testing.T) {
	m := engagedtest.Start(t)
	ada := newBrowser(t)
	send(t, ada, "POST", m.URL()+"/v1/session", `{"name":"ada"}`, "")
	_, data := send(t, ada, "GET", m.URL()+"/v1/posts?limit=1", "", "")
	page, err := wire.DecodePage(data)
	if err != nil {
		t.Fatal(err)
	}
	before := page.Posts[0]
	body, err := json.Marshal(wire.CommentText{Change: wire.Change{At: wire.NewStamp(time.Now().UnixMilli(), 0), Client: "phone"}, Text: "once"})
	if err != nil {
		t.Fatal(err)
	}
	url := m.URL() + "/v1/posts/" + before.ID + "/comments/" + engagement.NewID()
	set := func(rule fault.Rule) {
		t.Helper()
		if err := m.Network().Set(fault.Everybody, fault.Setting{Profile: "custom", Rule: rule}); err != nil {
			t.Fatal(err)
		}
	}
	set(fault.Rule{LoseAnswer: 1, Duplicate: 1})
	for range 3 {
		if status, _ := send(t, ada, "PUT", url, string(body), "the-key"); status != 0 {
			t.Fatalf("the answer was not lost: %d", status)
		}
	}
	set(fault.Rule{})
	status, data := send(t, ada, "PUT", url, string(body), "the-key")
	outcome, err := wire.DecodeOutcome(data)
	if status != 201 || err != nil {
		t.Fatalf("%d %s, %v", status, data, err)
	}
	if outcome.Version != before.Version+1 || outcome.State.CommentsCount != before.State.CommentsCount+1 {
		t.Fatalf("version %d after %d, %d comments after %d", outcome.Version, before.Version, outcome.State.CommentsCount, before.State.CommentsCount)
	}
}

// TestHosts: a page of another site whose name points to this machine is refused,
// the network panel and the page included.
func TestHosts(t *testing.T) {
	ask := func(m *engaged.Main, path, host string) int {
		t.Helper()
		req, err := http.NewRequest("GET", m.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := newBrowser(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	loopback := engagedtest.Start(t, "-host", "engaged.example", "-host", "other.example")
	open := engagedtest.Start(t, "-addr", "0.0.0.0:0")
	named := engagedtest.Start(t, "-addr", "0.0.0.0:0", "-host", "engaged.example")
	for _, path := range []string{"/", "/v1/posts", "/demo/network", "/healthz"} {
		for host, want := range map[string][3]int{
			"localhost": {200, 200, 200}, "engaged.example:8080": {200, 200, 200},
			"other.example": {200, 200, 421}, "evil.example": {421, 200, 421},
		} {
			if got := [3]int{ask(loopback, path, host), ask(open, path, host), ask(named, path, host)}; got != want {
				t.Errorf("%s of %s: %v, want %v", path, host, got, want)
			}
		}
	}
}

func TestBadCommandLines(t *testing.T) {
	for _, args := range [][]string{
		{"-unknown"}, {"extra"}, {"-addr", ""}, {"-db", ""}, {"-burst", "-1"}, {"-host", ""}, {"-demo=false", "-network", "lossy"}, {"-log-level", "loud"},
		{"-rate", "NaN"}, {"-rate", "Inf"}, {"-rate", "-Inf"}, {"-burst", "9000000000000000000"}, {"-network", "unheard-of"},
		{"-host", "a b"}, {"-host", "engaged.example:80"}, {"-host", "http://engaged.example"}, {"-address-header", "bad header:"},
	} {
		m := engaged.New()
		m.Stderr = io.Discard
		if err := m.ParseFlags(args); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
	m := engaged.New()
	m.Stderr = io.Discard
	if err := m.ParseFlags([]string{"-help"}); err != flag.ErrHelp {
		t.Errorf("-help: %v", err)
	}
}

// TestFolderIsItsOwnersAlone: the one that is made for the database.
func TestFolderIsItsOwnersAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	engagedtest.Start(t, "-db", filepath.Join(folder, "engaged.db"))
	for _, name := range []string{folder, filepath.Dir(folder)} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o700 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
}

// TestDatabasesThatAreRefused: the sentence names the flag and the file, explains the
// fault and its remedy, and no file is left behind.
func TestDatabasesThatAreRefused(t *testing.T) {
	folder := t.TempDir()
	damaged := filepath.Join(folder, "damaged.db")
	if err := os.WriteFile(damaged, []byte("SQLite format 3\x00 and nothing of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{
		damaged:                            "the database is damaged",
		folder:                             "is a folder",
		filepath.Join(folder, "new") + "/": "names no file",
		"/":                                "is a folder",
	} {
		m := engaged.New()
		m.Stderr = io.Discard
		if err := m.ParseFlags([]string{"-addr", "127.0.0.1:0", "-db", file}); err != nil {
			t.Fatal(err)
		}
		err := m.Run(t.Context())
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "-db "+file+" cannot be used: ") || !strings.Contains(err.Error(), says) ||
			strings.Contains(err.Error(), "demo") {
			t.Errorf("%v", err)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
		t.Errorf("there are %v, %v", files, err)
	}
	if _, err := os.Lstat("/.lock"); err == nil {
		t.Error("there is /.lock")
	}
}

func TestRunFailsAndLeavesNothing(t *testing.T) {
	taken := engagedtest.Start(t)
	for what, args := range map[string][]string{
		"address that is taken":  {"-addr", strings.TrimPrefix(taken.URL(), "http://")},
		"database in no folder":  {"-db", "/dev/null/engaged.db"},
		"address that is no one": {"-addr", "256.0.0.1:80"},
	} {
		m := engaged.New()
		m.Stderr = io.Discard
		base := []string{"-addr", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "x.db")}
		if err := m.ParseFlags(append(base, args...)); err != nil {
			t.Fatal(err)
		}
		if err := m.Run(t.Context()); err == nil {
			t.Errorf("%s: runs", what)
		}
		if err := m.Close(); err != nil {
			t.Errorf("%s: close: %v", what, err)
		}
	}
}
