package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
)

// childFlags is the variable that makes this program the server, with those flags.
const childFlags = "E2E_SERVER"

// serveAsChild runs the server, tells its address, and goes on until it is killed.
func serveAsChild(flags string) error {
	b, err := build()
	if err != nil {
		return err
	}
	m := engaged.New()
	if m.Page, err = pageOf(b, m.First); err != nil {
		return err
	}
	if err := m.ParseFlags(strings.Fields(flags)); err != nil {
		return err
	}
	if err := m.Run(context.Background()); err != nil {
		return err
	}
	fmt.Println(m.URL())
	return m.Wait(context.Background())
}

// child is the server in a process of its own, which can be killed.
type child struct {
	t    *testing.T
	addr string
	file string
	cmd  *exec.Cmd
}

func startChild(t *testing.T) *child {
	t.Helper()
	openChrome(t) // skips first where there is none
	if _, err := build(); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, addr: "127.0.0.1:0", file: filepath.Join(t.TempDir(), "engaged.db")}
	c.start()
	t.Cleanup(c.kill)
	return c
}

func (c *child) start() {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	c.cmd = exec.Command(self)
	c.cmd.Env = append(os.Environ(), childFlags+"=-addr "+c.addr+" -db "+c.file+" -rate -1")
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.t.Fatalf("the server does not start: %v", err)
	}
	c.addr = strings.TrimPrefix(strings.TrimSpace(url), "http://") // the same after a restart
}

func (c *child) url() string { return "http://" + c.addr }

// kill is kill -9.
func (c *child) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait() // says that it was killed
}

// post returns a post as a visitor without session sees it.
func (c *child) post(id string) wire.Truth {
	c.t.Helper()
	transport, err := nethttp.New(c.url())
	if err != nil {
		c.t.Fatal(err)
	}
	a, err := transport.RoundTrip(c.t.Context(), client.Request{Method: "GET", Path: "/v1/posts/" + id})
	if err != nil {
		c.t.Fatal(err)
	}
	truth, err := wire.DecodeTruth(a.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return truth
}

// TestServerKillNine kills the server after it got a like whose answer was lost.
func TestServerKillNine(t *testing.T) {
	c := startChild(t)
	tb := signIn(t, c.url(), "ines")
	tb.expectFaults()
	post := tb.firstPost()
	was := c.post(post)
	on := !eval[bool](tb, `document.querySelector('`+like(post)+`').getAttribute('aria-pressed') === 'true'`)
	tb.click(`[data-act="lab"]`)
	tb.click(`[data-act="net-profile"][data-value="answers-lost"]`)
	tb.until(`document.querySelector('.lab-inner .chip[aria-pressed="true"]').dataset.value === 'answers-lost'`)
	tb.click(like(post))
	tb.until(`document.querySelector('.life .state.retry, .life .state.good')`)
	c.kill()
	tb.until(`document.querySelector('.link-state.bad')`)
	tb.click(`[data-act="comments"][data-post="` + post + `"]`)
	tb.write(`.composer textarea`, "while nobody was there")
	tb.until(`document.querySelector('.comment.pending')`)
	c.start() // which knows how bad the network of the session is
	tb.click(`[data-act="net-profile"][data-value="clean"]`)
	tb.until(allSaved)
	tb.until(liked(post, on))
	now, step := c.post(post), 1
	if !on {
		step = -1
	}
	if now.Version != was.Version+2 || now.State.LikesCount != was.State.LikesCount+step || now.State.CommentsCount != was.State.CommentsCount+1 {
		t.Errorf("after two changes: %+v; before: %+v", now.State.Post, was.State.Post)
	}
	tb.until(`document.querySelector('` + like(post) + ` .count').textContent === '` + strconv.Itoa(now.State.LikesCount) + `'`)
}
