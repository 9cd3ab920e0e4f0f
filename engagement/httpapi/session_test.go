package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/wire"
)

func (c *client) whoami() string {
	c.tb.Helper()
	r := c.do("GET", "/v1/session", "", nil)
	r.want(200, "")
	session, err := wire.DecodeSession(r.body)
	if err != nil {
		c.tb.Fatal(err)
	}
	return session.Name
}

func TestSessionCookie(t *testing.T) {
	s := start(t, setup{})
	c := s.anonymous()
	equal(t, "nobody", c.whoami(), "")
	r := c.do("POST", "/v1/session", `{"name":"ada"}`, nil)
	r.want(200, "")
	set := r.header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"} {
		if !strings.Contains(set, part) {
			t.Errorf("cookie %q is not %s", set, part)
		}
	}
	secure := start(t, setup{options: httpapi.Options{SecureCookies: true}})
	r = secure.anonymous().do("POST", "/v1/session", `{"name":"ada"}`, nil)
	if !strings.Contains(r.header.Get("Set-Cookie"), "Secure") {
		t.Errorf("cookie %q is not Secure", r.header.Get("Set-Cookie"))
	}
}

func TestSignOutEndsTheSessionForGood(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	stolen := *ada
	equal(t, "signed in", ada.whoami(), "ada")
	r := ada.do("DELETE", "/v1/session", "", nil)
	r.want(204, "")
	if !strings.Contains(r.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the cookie is not taken back: %q", r.header.Get("Set-Cookie"))
	}
	equal(t, "a copy of the cookie", stolen.whoami(), "")
	stolen.operate(freshKey(), "PUT", "/v1/posts/"+engagement.NewID()+"/like", stampAt(0), nil).want(401, wire.ProblemUnauthenticated)
}

func TestSignInAgainEndsTheFormerSession(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	former := *ada
	r := ada.do("POST", "/v1/session", `{"name":"bob"}`, nil)
	r.want(200, "")
	ada.cookie = strings.SplitN(r.header.Get("Set-Cookie"), ";", 2)[0]
	equal(t, "now", ada.whoami(), "bob")
	equal(t, "the former cookie", former.whoami(), "")
}

func TestSessionsExpire(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := start(t, setup{options: httpapi.Options{SessionLife: time.Hour, Now: clock.Now}})
	ada := s.signIn("ada")
	clock.advance(time.Hour - time.Second)
	equal(t, "just before", ada.whoami(), "ada")
	clock.advance(time.Second)
	equal(t, "just then", ada.whoami(), "")
}

func TestForgedSessions(t *testing.T) {
	s, other := start(t, setup{}), start(t, setup{})
	ada, stranger := s.signIn("ada"), other.signIn("ada")
	token := strings.TrimPrefix(ada.cookie, httpapi.CookieName+"=")
	body, mac, _ := strings.Cut(token, ".")
	foreign := strings.TrimPrefix(stranger.cookie, httpapi.CookieName+"=")
	foreignBody, _, _ := strings.Cut(foreign, ".")
	seal, err := engagement.NewSessionSeal(make([]byte, engagement.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string]string{
		"of another server":  foreign,
		"body of another":    foreignBody + "." + mac,
		"no signature":       body + ".",
		"no dot":             body,
		"a secret of zeros":  seal.Token(engagement.Session{ID: "x", User: "ada", ExpiresAt: 1 << 50}),
		"signature in front": mac + "." + body,
	} {
		forger := s.anonymous()
		forger.cookie = httpapi.CookieName + "=" + forged
		if who := forger.whoami(); who != "" {
			t.Errorf("%s: is taken for %s", name, who)
		}
	}
	equal(t, "the real one", ada.whoami(), "ada")
}
