package engaged_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/engagedtest"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server/pgtest"
)

// startTwo runs two servers on one PostgreSQL database.
func startTwo(t *testing.T, args ...string) (one, other *engaged.Main) {
	t.Helper()
	args = append([]string{"-db", pgtest.Database(t)}, args...)
	return engagedtest.Start(t, args...), engagedtest.Start(t, args...)
}

// signInAtBoth signs zoe in at one server, and returns her browser at both, with the same
// cookies: a balancer sends it now here, now there.
func signInAtBoth(t *testing.T, one, other *engaged.Main) (here, there *http.Client) {
	t.Helper()
	here = newBrowser(t)
	if status, data := send(t, here, "POST", one.URL()+"/v1/session", `{"name":"zoe"}`, ""); status != 200 {
		t.Fatalf("%d %s", status, data)
	}
	at := func(m *engaged.Main) *url.URL {
		u, err := url.Parse(m.URL())
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(at(other), here.Jar.Cookies(at(one)))
	return here, &http.Client{Jar: jar, Transport: here.Transport, Timeout: patience}
}

// TestTwoServersAreOne: a person who meets another server with each request notices
// nothing of it.
func TestTwoServersAreOne(t *testing.T) {
	one, other := startTwo(t)
	posts := func(m *engaged.Main) []engagement.Truth {
		page, err := m.Store().Posts(t.Context(), "", wire.Selection{}, wire.Cursor{}, wire.MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		return page.Truths
	}
	demo := posts(one)
	if len(demo) == 0 || len(demo) != len(posts(other)) {
		t.Fatalf("the demo is there %d and %d times long", len(demo), len(posts(other)))
	}

	here, there := signInAtBoth(t, one, other)
	stream, err := there.Get(other.URL() + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	until := func(has string) {
		for lines.Scan() {
			if strings.Contains(lines.Text(), has) {
				return
			}
		}
		t.Fatalf("the stream ended before %q: %v", has, lines.Err())
	}
	until(`"viewer":"zoe"`)

	// The same request to both: one effect, and the follower of the other server hears of it.
	post, key, body := demo[0].Post.ID, engagement.NewID(), mustJSON(t, change(1))
	for _, at := range []struct {
		server  *engaged.Main
		browser *http.Client
	}{{one, here}, {other, there}} {
		status, data := send(t, at.browser, "PUT", at.server.URL()+"/v1/posts/"+post+"/like", body, key)
		if status != 200 {
			t.Fatalf("%d %s", status, data)
		}
	}
	until(`"contains":["` + key + `"]`)
	if now := posts(other)[0].Post; now.ID != post || now.Likes != demo[0].Post.Likes+1 || now.Version != demo[0].Post.Version+1 {
		t.Errorf("a like that was sent twice made of %+v\n%+v", demo[0].Post, now)
	}

	// After a new era the stream begins anew, at whichever server it is.
	third := engaged.New()
	third.Stderr, third.Config = io.Discard, one.Config
	if era, err := third.NewEra(t.Context()); err != nil || era == 0 {
		t.Fatalf("era %d, %v", era, err)
	}
	until("event: reset")

	// A session that ends at one server has ended at the other.
	if status, data := send(t, here, "DELETE", one.URL()+"/v1/session", "", ""); status != 204 {
		t.Fatalf("%d %s", status, data)
	}
	if status, _ := send(t, there, "PUT", other.URL()+"/v1/posts/"+post+"/save", body, engagement.NewID()); status != 401 {
		t.Errorf("after signing out elsewhere: %d", status)
	}
}

// TestNetworkOfASessionHoldsAtAllServers: offline means offline, wherever a request goes, and
// streams at another server are cut.
func TestNetworkOfASessionHoldsAtAllServers(t *testing.T) {
	one, other := startTwo(t)
	here, there := signInAtBoth(t, one, other)
	stream, err := there.Get(other.URL() + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if status, data := send(t, here, "PUT", one.URL()+"/demo/network", `{"profile":"offline"}`, ""); status != 200 {
		t.Fatalf("%d %s", status, data)
	}
	if _, err := io.Copy(io.Discard, stream.Body); err == nil {
		t.Error("the stream at the other server ended as if all were well")
	}
	if _, err := there.Get(other.URL() + "/v1/posts"); err == nil {
		t.Error("the other server answers")
	}
	if status, data := send(t, there, "PUT", other.URL()+"/demo/network", `{}`, ""); status != 200 {
		t.Fatalf("%d %s", status, data)
	}
	for deadline := time.Now().Add(patience); ; {
		res, err := here.Get(one.URL() + "/v1/posts")
		if err == nil {
			res.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the first server is still offline")
		}
	}
}
