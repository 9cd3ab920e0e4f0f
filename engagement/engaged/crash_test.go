package engaged_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/sqlite"
)

const (
	// childVariable, when set, turns the test binary into the server on that database.
	childVariable = "ENGAGED_TEST_CHILD"
	// addrVariable is its address; empty: a new one.
	addrVariable = "ENGAGED_TEST_ADDR"
	// rateVariable is the rate of its sessions; empty: they have no limit.
	rateVariable = "ENGAGED_TEST_RATE"
)

func TestMain(m *testing.M) {
	if database := os.Getenv(childVariable); database != "" {
		serveForEver(database)
	}
	os.Exit(m.Run())
}

// serveForEver is the child: it prints its address and never ends by itself.
func serveForEver(database string) {
	rate, err := strconv.ParseFloat(cmp.Or(os.Getenv(rateVariable), "-1"), 64)
	m := engaged.New()
	m.Config = engaged.Config{Addr: cmp.Or(os.Getenv(addrVariable), "127.0.0.1:0"), DB: database, Rate: rate}
	if err == nil {
		err = m.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(m.URL())
	select {}
}

// child is a server process that can be killed.
type child struct {
	cmd *exec.Cmd
	url string
}

func spawn(t *testing.T, file string) child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server does not start: %v", err)
	}
	return child{cmd, strings.TrimSpace(line)}
}

// TestDatabaseHasOneProcess: a second one says at once why it does not start, and
// kill -9 of the first is enough to let it.
func TestDatabaseHasOneProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "engaged.db")
	first := spawn(t, file)
	second := engaged.New()
	second.Stderr = io.Discard
	second.Config = engaged.Config{Addr: "127.0.0.1:0", DB: file}
	began := time.Now()
	if err := second.Run(t.Context()); !errors.Is(err, sqlite.ErrInUse) {
		t.Fatalf("a second process on the file: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v to say so", took)
	}
	first.kill(t)
	third := spawn(t, file)
	third.kill(t)
}

// kill is kill -9.
func (c child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.cmd.Wait() // reports the signal
}

// writing simulates people who write while servers are killed: each sends an operation
// until it is answered, always with the same key.
type writing struct {
	posts   []string
	writers int // each on one of the posts
	each    int // operations of a writer, a multiple of 4
	url     func(attempt int) string

	acknowledged, replayed atomic.Int64
	more                   chan struct{} // has room for one: an operation has ended
	deadline               time.Time
	wait                   sync.WaitGroup
}

// begin signs everybody in, makes the posts and starts the writers.
func (w *writing) begin(t *testing.T) {
	t.Helper()
	w.more, w.deadline = make(chan struct{}, 1), time.Now().Add(*chaosPatience)
	author := newBrowser(t)
	signInUntil(t, author, w, "author")
	for n := range w.posts {
		w.posts[n] = engagement.NewID()
		w.send(t, author, "POST", "/v1/posts", mustJSON(t, wire.NewPost{Change: change(0), ID: w.posts[n], Text: "hello"}), fmt.Sprint("post-", n))
	}
	w.acknowledged.Store(0)
	for n := range w.writers {
		browser := newBrowser(t)
		signInUntil(t, browser, w, fmt.Sprint("writer", n))
		w.wait.Go(func() {
			for i := range w.each {
				method, path, body := "PUT", "/like", mustJSON(t, change(i))
				switch i % 4 {
				case 1:
					path, body = "/comments/"+engagement.NewID(), mustJSON(t, wire.CommentText{Change: change(i), Text: "hi"})
				case 2:
					method = "DELETE"
				case 3:
					path = "/save"
				}
				if !w.send(t, browser, method, "/v1/posts/"+w.posts[n%len(w.posts)]+path, body, fmt.Sprintf("writer%d-%d", n, i)) {
					return
				}
			}
		})
	}
}

func signInUntil(t *testing.T, browser *http.Client, w *writing, name string) {
	t.Helper()
	for attempt := 0; time.Now().Before(w.deadline); attempt++ {
		if status, _ := send(t, browser, "POST", w.url(attempt)+"/v1/session", `{"name":"`+name+`"}`, ""); status == 200 {
			return
		}
	}
	t.Fatalf("%s cannot sign in", name)
}

// send sends the operation until it is answered.
func (w *writing) send(t *testing.T, browser *http.Client, method, path, body, key string) bool {
	defer func() {
		select {
		case w.more <- struct{}{}:
		default:
		}
	}()
	for attempt := 0; ; attempt++ {
		status, data := send(t, browser, method, w.url(attempt)+path, body, key)
		switch {
		case status == 200 || status == 201:
			w.acknowledged.Add(1)
			if attempt > 0 {
				w.replayed.Add(1)
			}
			return true
		case status != 0 && status != 409 && status != 503 && status != 504:
			t.Errorf("%s %s: %d %s", method, path, status, data)
			return false
		case time.Now().After(w.deadline):
			t.Errorf("no answer to %s", key)
			return false
		}
		select { // as clients do
		case <-time.After(time.Duration(min(attempt*attempt, 400)) * time.Millisecond):
		case <-t.Context().Done():
			return false
		}
	}
}

// reach waits until so many thousandths of all operations are acknowledged.
func (w *writing) reach(t *testing.T, thousandths int) {
	late := time.After(time.Until(w.deadline))
	for w.acknowledged.Load() < int64(w.writers*w.each*thousandths/1000) && !t.Failed() {
		select {
		case <-w.more:
		case <-late:
			return
		}
	}
}

// check sees that each operation is there exactly once.
func (w *writing) check(t *testing.T, database string) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), database, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Audit(t.Context()); err != nil {
		t.Error(err)
	}
	for n, post := range w.posts {
		truth, err := store.Truth(t.Context(), post, fmt.Sprint("writer", n))
		if err != nil {
			t.Fatal(err)
		}
		// Of four acts the first likes, the second comments, the third unlikes, and the
		// first of the fourths saves: each is one version, once.
		rounds, writers := w.each/4, (w.writers+len(w.posts)-1-n)/len(w.posts)
		if truth.Post.Comments != writers*rounds || truth.Post.Likes != 0 || truth.Post.Saves != writers || !truth.Saved {
			t.Errorf("truth: %+v", truth.Post)
		}
		if want := w.version(n); truth.Post.Version != want {
			t.Errorf("version %d, want %d: an effect is missing or there twice", truth.Post.Version, want)
		}
	}
	checkTables(t, store, w.writers*w.each+len(w.posts))
}

// version returns the version that the nth post must have in the end.
func (w *writing) version(n int) uint64 {
	rounds, writers := w.each/4, (w.writers+len(w.posts)-1-n)/len(w.posts)
	return uint64(1 + writers*(3*rounds+1))
}

// checkTables compares the records of keys with the operations, and sees that the feed has
// each version, in its order.
func checkTables(t *testing.T, store *sqlstore.Store, operations int) {
	t.Helper()
	for question, want := range map[string]int{
		`SELECT COUNT(*) FROM optimist_keys`: operations,
		`SELECT COUNT(*) FROM optimist_entities AS e WHERE version <> (SELECT COUNT(*) FROM optimist_feed AS f WHERE f.entity = e.id)`:                        0,
		`SELECT COUNT(*) FROM optimist_feed AS a JOIN optimist_feed AS b ON a.entity = b.entity AND b.version = a.version + 1 WHERE b.position <= a.position`: 0,
	} {
		var got int
		err := store.Kit().Read(t.Context(), func(ctx context.Context, m server.Moment) error {
			return m.Query(ctx, func(scan server.Scan) error { return scan(&got) }, question)
		})
		if err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", question, got, err, want)
		}
	}
}

// TestKillNine kills the server again and again while people write. In the end each
// operation is there exactly once, and no acknowledged operation was ever lost.
func TestKillNine(t *testing.T) {
	const kills = 5
	file := filepath.Join(t.TempDir(), "engaged.db")
	server := spawn(t, file)
	var url atomic.Value
	url.Store(server.url)
	w := &writing{posts: make([]string, 1), writers: 6, each: 40, url: func(int) string { return url.Load().(string) }}
	w.begin(t)
	for n := range kills {
		w.reach(t, 1000*(n+1)/(kills+2))
		server.kill(t)
		server = spawn(t, file)
		url.Store(server.url)
	}
	w.wait.Wait()
	server.kill(t)
	t.Logf("%d acknowledged, %d of them after a failed attempt", w.acknowledged.Load(), w.replayed.Load())
	w.check(t, file)
}

func change(n int) wire.Change {
	return wire.Change{At: wire.NewStamp(1_700_000_000_000+int64(n), 0), Client: "phone"}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
