package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/server/pgtest"
)

// TestMain is the server itself when the variable is set.
func TestMain(m *testing.M) {
	if db := os.Getenv("LIKES_DB"); db != "" {
		if err := serve(context.Background(), cmp.Or(os.Getenv("LIKES_ADDR"), "localhost:0"), db); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// process is one that serves.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
}

func start(t *testing.T, db string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LIKES_DB="+db)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	p.url = strings.TrimSpace(strings.TrimPrefix(line, "likes: "))
	if err != nil || p.url == "" {
		t.Fatalf("the server says %q: %v", line, err)
	}
	return p
}

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// answer is that of an operation, or a problem.
type answer struct {
	status   int
	replayed bool

	Type    string
	Already bool
	Truth   struct {
		Version  int
		Contains []string
		State    PostView
		Position string
	}
}

func (p *process) put(path, user, key, body string) answer {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPut, p.url+path+"?user="+user, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Idempotency-Key", key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, replayed: resp.Header.Get("Idempotency-Replayed") == "true"}
	if err != nil || json.Unmarshal(text, &a) != nil {
		p.t.Fatalf("%s: %d %s, %v", path, resp.StatusCode, text, err)
	}
	return a
}

// told follows the user's events after the cursor, until a truth has at least the version.
func (p *process) told(user, after string, version int) (state PostView) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/events?user="+user+"&after="+after, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	event := ""
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		var truth struct {
			Version int
			State   PostView
		}
		switch {
		case name == "event":
			event = value
		case name == "data" && event == "truth" && json.Unmarshal([]byte(value), &truth) != nil:
			p.t.Fatalf("the data of an event is %s", value)
		case name == "data" && event == "truth" && truth.Version >= version:
			return truth.State
		case name == "data" && event == "reset":
			p.t.Fatalf("the stream is reset")
		}
	}
	p.t.Fatal("the stream has ended")
	return state
}

func TestTheExample(t *testing.T) {
	for name, database := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "likes.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			p := start(t, db)
			liked := p.put("/posts/hello/like", "ada", "k1", `{"on":true}`)
			if liked.status != 200 || liked.Already || liked.Truth.State.Likes != 1 || !liked.Truth.State.Liked {
				t.Errorf("the like: %+v", liked)
			}
			if again := p.put("/posts/hello/like", "ada", "k2", `{"on":true}`); !again.Already || again.Truth.State.Likes != 1 {
				t.Errorf("a like that is there already: %+v", again)
			}
			if none := p.put("/posts/none/save", "ada", "k3", `{"on":true}`); none.status != 404 {
				t.Errorf("a post that is not there: %+v", none)
			}
			if other := p.put("/posts/hello/like", "ada", "k1", `{"on":false}`); other.status != 422 || other.Type != "/problems/key-reused" {
				t.Errorf("the key with another payload: %+v", other)
			}
			p.kill()
			p = start(t, db)
			if again := p.put("/posts/hello/like", "ada", "k1", `{"on":true}`); !again.replayed || again.Truth.State.Likes != 1 {
				t.Errorf("the key after kill -9: %+v", again)
			}
			if said := p.put("/posts/hello/comment", "bob", "k1", `{"text":"hi"}`); said.status != 200 || said.Truth.State.Comments != 1 || said.Truth.State.Latest != "hi" {
				t.Errorf("the comment: %+v", said)
			}
			saved := p.put("/posts/hello/save", "bob", "k2", `{"on":true}`)
			if name == "PostgreSQL" { // one more process: streams go on there
				p = start(t, db)
			}
			if got := p.told("ada", liked.Truth.Position, saved.Truth.Version); !got.Liked || got.Saved || got.Likes != 1 || got.Comments != 1 {
				t.Errorf("ada is told %+v", got)
			}
			if got := p.told("bob", liked.Truth.Position, saved.Truth.Version); got.Liked || !got.Saved {
				t.Errorf("bob is told %+v", got)
			}
		})
	}
}

func TestTheExampleIsShort(t *testing.T) {
	source, err := os.ReadFile("posts.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(source), "\n)\n") // after the imports
	lines := 0
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	if most := 40; !found || lines > most {
		t.Errorf("posts.go has %d lines, and is to have at most %d", lines, most)
	}
}
