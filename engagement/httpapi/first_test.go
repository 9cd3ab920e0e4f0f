package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestFirst: the content of the page is what the API would answer, with the same limits.
func TestFirst(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{Rate: .001, Burst: 8}})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	ada.operate(freshKey(), "PUT", post+"/like", stampAt(1), nil).want(200, "")
	first := func(c *client) (wire.First, error) {
		r, err := http.NewRequest("GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "192.0.2.1:1"
		if c.cookie != "" {
			r.Header.Set("Cookie", c.cookie)
		}
		return s.api.First(r, 20)
	}
	for _, x := range []struct {
		c     *client
		name  string
		liked bool
	}{{ada, "ada", true}, {s.anonymous(), "", false}} {
		f, err := first(x.c)
		if err != nil || f.Session.Name != x.name || len(f.Page.Posts) != 1 || f.Page.Posts[0].State.Liked != x.liked || f.Page.Posts[0].State.LikesCount != 1 {
			t.Errorf("%q: %+v, %v", x.name, f, err)
		}
		if _, ok := wire.ParsePosition(f.Page.After); !ok {
			t.Errorf("%q: %q is no position", x.name, f.Page.After)
		}
	}
	ada.do("DELETE", "/v1/session", "", nil).want(204, "")
	if f, err := first(ada); err != nil || f.Session.Name != "" || f.Page.Posts[0].State.Liked {
		t.Errorf("the session has ended: %+v, %v", f, err)
	}
	for range 10 {
		if _, err := first(ada); err != nil {
			return
		}
	}
	t.Error("there is no limit")
}
