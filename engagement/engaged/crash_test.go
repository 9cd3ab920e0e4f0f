package engaged_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server/sqlite"
)

// childVariable, when set, turns the test binary into the server on that file.
const childVariable = "ENGAGED_TEST_CHILD"

func TestMain(m *testing.M) {
	if file := os.Getenv(childVariable); file != "" {
		serveForEver(file)
	}
	os.Exit(m.Run())
}

// serveForEver is the child: it prints its address and never ends by itself.
func serveForEver(file string) {
	m := engaged.New()
	m.Config = engaged.Config{Addr: "127.0.0.1:0", DB: file, Rate: -1}
	if err := m.Run(context.Background()); err != nil {
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

// TestKillNine kills the server again and again while people write. Each sends
// an operation until it is answered, always under the same key. In the end each
// operation is there exactly once, and what was acknowledged was never lost.
func TestKillNine(t *testing.T) {
	const writers, each, kills = 6, 40, 5
	file := filepath.Join(t.TempDir(), "engaged.db")
	server := spawn(t, file)
	var url atomic.Value
	url.Store(server.url)

	post := engagement.NewID()
	author := newBrowser(t)
	send(t, author, "POST", server.url+"/v1/session", `{"name":"author"}`, "")
	status, data := send(t, author, "POST", server.url+"/v1/posts", mustJSON(t, wire.NewPost{Change: change(0), ID: post, Text: "hello"}), "the-post")
	if status != 201 {
		t.Fatalf("%d %s", status, data)
	}

	var acknowledged, replayed atomic.Int64
	var wg sync.WaitGroup
	deadline := time.Now().Add(2 * time.Minute)
	for w := range writers {
		browser := newBrowser(t)
		if status, data := send(t, browser, "POST", server.url+"/v1/session", fmt.Sprintf(`{"name":"writer%d"}`, w), ""); status != 200 {
			t.Fatalf("%d %s", status, data)
		}
		wg.Go(func() {
			for i := range each {
				method, path, body := "PUT", "/like", mustJSON(t, change(i))
				switch i % 4 {
				case 1:
					path, body = "/comments/"+engagement.NewID(), mustJSON(t, wire.CommentText{Change: change(i), Text: "hi"})
				case 2:
					method = "DELETE"
				case 3:
					path = "/save"
				}
				key := fmt.Sprintf("writer%d-%d", w, i)
				for attempt := 0; ; attempt++ {
					status, data := send(t, browser, method, url.Load().(string)+"/v1/posts/"+post+path, body, key)
					if status == 200 || status == 201 {
						acknowledged.Add(1)
						if attempt > 0 {
							replayed.Add(1)
						}
						break
					}
					if status != 0 && status != 409 && status != 503 {
						t.Errorf("%s %s: %d %s", method, path, status, data)
						return
					}
					if time.Now().After(deadline) {
						t.Errorf("no answer to %s", key)
						return
					}
				}
			}
		})
	}
	for n := range kills {
		for acknowledged.Load() < int64((n+1)*writers*each/(kills+2)) && time.Now().Before(deadline) && !t.Failed() {
			if _, err := os.Stat(file); err != nil { // takes a moment, and so leaves the others one
				t.Fatal(err)
			}
		}
		server.kill(t)
		server = spawn(t, file)
		url.Store(server.url)
	}
	wg.Wait()
	server.kill(t)
	t.Logf("%d acknowledged, %d of them after a failed attempt", acknowledged.Load(), replayed.Load())
	checkExactlyOnce(t, file, post, writers, each)
}

func checkExactlyOnce(t *testing.T, file, post string, writers, each int) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), file, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Audit(t.Context()); err != nil {
		t.Error(err)
	}
	truth, err := store.Truth(t.Context(), post, "writer0")
	if err != nil {
		t.Fatal(err)
	}
	// Of four acts the first likes, the second comments, the third unlikes, and the
	// first of the fourths saves: each is one version, once.
	rounds := each / 4
	if truth.Post.Comments != writers*rounds || truth.Post.Likes != 0 || truth.Post.Saves != writers || !truth.Saved {
		t.Errorf("truth: %+v", truth.Post)
	}
	if want := uint64(1 + writers*(3*rounds+1)); truth.Post.Version != want {
		t.Errorf("version %d, want %d: an effect is missing or there twice", truth.Post.Version, want)
	}
}

// change returns the body of the n-th act of a device: later acts have later stamps.
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
