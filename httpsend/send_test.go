package httpsend_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
)

// world is a manager before a server that a handler plays.
type world struct {
	m      *optimist.Manager
	posts  *optimist.Store[post]
	url    string
	client *httpsend.Client
}

func newWorld(t *testing.T, handler http.HandlerFunc) *world {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	m, err := optimist.New(optimist.Options{Policy: optimist.Policy{
		Debounce: optimist.Debounce{Wait: optimist.NoDebounce}, Retry: optimist.Retry{Base: time.Millisecond, Cap: time.Millisecond},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	w := &world{m: m, url: server.URL, client: over(&http.Transport{DisableKeepAlives: true})} // net/http repeats nothing
	w.posts = optimist.NewStore(m, "post", optimist.StoreOptions[post]{
		Read: httpsend.Read(w.client, func(id string) (*http.Request, error) { return http.NewRequest("GET", server.URL+"/"+id, nil) }, truthIn),
	})
	w.posts.Receive("42", optimist.TruthOf(post{Likes: 6, Version: 1}, 1))
	return w
}

// likes sets the number of likes, without a slot.
func (w *world) likes(t *testing.T, truth func(httpsend.Answer) (optimist.Truth[post], error)) optimist.Result {
	t.Helper()
	set := optimist.Register(w.posts, optimist.Mutation[post, int]{
		Type:  "likes",
		Apply: func(p post, n int) (post, error) { p.Likes = n; return p, nil },
		Send: httpsend.Send(w.client, func(c optimist.Call[int]) (*http.Request, error) {
			return httpsend.JSON("PUT", w.url+"/"+c.Entity, c.Args)
		}, truth),
	})
	h, err := set.Execute(t.Context(), "42", 7)
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Wait(t.Context())
	if err != nil {
		t.Log(err)
	}
	return r
}

// TestEachAttemptIsWhole: every attempt has the body, and the key of the operation.
func TestEachAttemptIsWhole(t *testing.T) {
	var seen []string
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Header.Get(httpsend.HeaderKey)+" "+string(body)+" "+r.Header.Get("Content-Type"))
		switch len(seen) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			panic(http.ErrAbortHandler)
		case 3:
			w.WriteHeader(http.StatusConflict)
		default:
			io.WriteString(w, "post 7 2")
		}
		if len(seen) == 3 {
			return
		}
	})
	w.client.TruthInRefusals = true
	r := w.likes(t, func(a httpsend.Answer) (optimist.Truth[post], error) {
		if a.Status == http.StatusConflict { // a server with rules of its own
			return optimist.Truth[post]{}, optimist.Fail(optimist.Transient, errors.New("somebody holds it"))
		}
		return truthIn(a)
	})
	if r.Outcome != optimist.Confirmed || r.Calls != 4 || w.posts.View("42").Version != 2 {
		t.Errorf("%+v, %+v", r, w.posts.View("42"))
	}
	if all := slices.Compact(slices.Clone(seen)); len(seen) != 4 || len(all) != 1 || all[0] != r.ID+" 7 application/json" {
		t.Errorf("sent %q", seen)
	}
}

// TestAnswerWithoutBody: "done", at the version of the ETag.
func TestAnswerWithoutBody(t *testing.T) {
	for name, truth := range map[string]func(httpsend.Answer) (optimist.Truth[post], error){"204": truthIn, "no truth function": nil} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"5"`)
				if truth != nil {
					w.WriteHeader(http.StatusNoContent)
				}
			})
			done := make(chan optimist.Result, 1)
			go func() { done <- w.likes(t, truth) }()
			for v := range w.posts.Watch(t.Context(), "42") {
				if v.Pending == 1 && v.Value.Likes == 7 { // it stays, until the truth of that version is there
					w.posts.Receive("42", optimist.TruthOf(post{Likes: 8}, 5))
				}
				if v.Version == 5 {
					break
				}
			}
			if r := <-done; r.Outcome != optimist.Confirmed {
				t.Errorf("%+v", r)
			}
			if v := w.posts.View("42"); v.Value.Likes != 8 || v.Pending != 0 {
				t.Errorf("%+v", v)
			}
		})
	}
}

// TestTruthInRefusals: a conflict's truth is taken where the client says that there is one.
func TestTruthInRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		on     bool
		status int
		body   string
		header http.Header
		likes  int // in the view afterwards
	}{
		{"conflict with truth", true, 409, "post 9 3", nil, 9},
		{"precondition with truth", true, 412, "post 9 3", nil, 9},
		{"gone, with the truth of now", true, 410, "post 9 3", nil, 9},
		{"a refusal has none", true, 422, "post 9 3", nil, 6},
		{"a conflict that has none", true, 409, "no truth", nil, 6},
		{"nobody said that there is", false, 409, "post 9 3", nil, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			})
			w.client.TruthInRefusals = c.on
			r := w.likes(t, truthIn)
			if got := w.posts.View("42").Value.Likes; got != c.likes || r.Outcome == optimist.Confirmed {
				t.Errorf("%d likes, %+v", got, r)
			}
			var refusal *httpsend.Refusal
			if r.Err != nil && (!errors.As(r.Err, &refusal) || refusal.Status != c.status) {
				t.Errorf("the reason is %v", r.Err)
			}
		})
	}
}

// TestCutAnswer: an answer whose truth was lost is asked for once more.
func TestCutAnswer(t *testing.T) {
	for line, want := range map[string]optimist.Class{"409 Conflict": optimist.Unknown, "404 Not Found": optimist.Unknown, "403 Forbidden": optimist.Permanent, "200 OK": optimist.Unknown} {
		r, err := http.NewRequestWithContext(t.Context(), "PUT", "http://unset.invalid", nil)
		if err != nil {
			t.Fatal(err)
		}
		client := cut(-1, "HTTP/1.1 "+line+"\r\nContent-Length: 8\r\n\r\npost 7")(t, r)
		client.TruthInRefusals = true
		var failed *optimist.SendError
		if _, err := client.Do(r); !errors.As(err, &failed) || failed.Class != want {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestRead: an entity that is not there is gone, and truth is of the time before the read.
func TestRead(t *testing.T) {
	status, body := 200, "post 7 2"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(httpsend.HeaderKey) != "" {
			t.Error("a read has a key")
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	defer server.Close()
	read := httpsend.Read(nil, func(id string) (*http.Request, error) { return http.NewRequest("GET", server.URL+"/"+id, nil) }, truthIn)
	before := time.Now()
	truth, err := read(t.Context(), "42")
	if err != nil || truth.Value.Likes != 7 || truth.Version != 2 || truth.ReadAt.Before(before) || truth.ReadAt.After(time.Now()) {
		t.Errorf("%+v, %v", truth, err)
	}
	status = 404
	if truth, err = read(t.Context(), "42"); err != nil || truth.Presence != optimist.Absent {
		t.Errorf("%+v, %v", truth, err)
	}
	status = 500
	if _, err = read(t.Context(), "42"); err == nil {
		t.Error("an error was read as truth")
	}
	status, body = 200, "post"
	if _, err = read(t.Context(), "42"); err == nil {
		t.Error("garbage was read as truth")
	}
}

// TestGroup: a group's truths, and an answer without.
func TestGroup(t *testing.T) {
	calls := 0
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls > 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		io.WriteString(w, "post 7 2")
	})
	w.posts.Receive("43", optimist.TruthOf(post{Likes: 1}, 1))
	set := func(p post) (post, error) { p.Likes = 7; return p, nil }
	both := optimist.RegisterGroup(w.m, optimist.Group[int]{
		Type:  "both",
		Parts: func(int) []optimist.Part { return []optimist.Part{w.posts.Part("42", set), w.posts.Part("43", set)} },
		Send: httpsend.SendGroup(w.client,
			func(c optimist.Call[int]) (*http.Request, error) { return httpsend.JSON("POST", w.url+"/both", c.Args) },
			func(a httpsend.Answer) ([]optimist.EntityTruth, error) {
				t, err := truthIn(a)
				return []optimist.EntityTruth{w.posts.EntityTruth("42", t)}, err
			}),
	})
	for range 2 {
		h, err := both.Execute(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := h.Wait(t.Context()); err != nil || r.Outcome != optimist.Confirmed {
			t.Fatal(r, err)
		}
	}
	if a, b := w.posts.View("42"), w.posts.View("43"); a.Version != 2 || a.Value.Likes != 7 || b.Value.Likes != 7 {
		t.Errorf("%+v, %+v", a, b)
	}
}

// TestKeyAge: a server that asks for it is told for how long an operation has been in doubt.
func TestKeyAge(t *testing.T) {
	const second = time.Second
	for _, asks := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var ages [][]string
			answers := []int{503, 502, 503, 200} // the second one leaves it in doubt
			client := &httpsend.Client{KeyAge: asks, HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				ages = append(ages, r.Header.Values(httpsend.HeaderKeyAge))
				status := answers[len(ages)-1]
				return &http.Response{StatusCode: status, Header: http.Header{"Etag": {`"2"`}}, Body: http.NoBody}, nil
			})}}
			m, err := optimist.New(optimist.Options{Policy: optimist.Policy{Retry: optimist.Retry{Base: second, Jitter: -1}}})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close(t.Context())
			posts := optimist.NewStore[post](m, "post")
			posts.Receive("42", optimist.TruthOf(post{Version: 1}, 1))
			set := optimist.Register(posts, optimist.Mutation[post, int]{
				Type: "likes", Apply: func(p post, n int) (post, error) { p.Likes = n; return p, nil },
				Send: httpsend.Send(client, func(c optimist.Call[int]) (*http.Request, error) {
					return httpsend.JSON("PUT", "http://posts.test/"+c.Entity, c.Args)
				}, func(httpsend.Answer) (optimist.Truth[post], error) { return optimist.TruthOf(post{Likes: 7}, 2), nil }),
			})
			h, err := set.Execute(t.Context(), "42", 7)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := h.Wait(t.Context()); err != nil {
				t.Fatal(r, err)
			}
			want := [][]string{nil, nil, {"2"}, {"6"}} // waits of 1, 2 and 4 seconds
			if !asks {
				want = make([][]string, 4)
			}
			if !reflect.DeepEqual(ages, want) {
				t.Errorf("ages %q, want %q", ages, want)
			}
		})
	}
}

// TestClosure: the Send of a closure calls Do, and has its key.
func TestClosure(t *testing.T) {
	var key string
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) { key = r.Header.Get(httpsend.HeaderKey) })
	h, err := w.m.Execute(t.Context(), optimist.Update{
		Type: "ping", Entity: "post:42", Apply: func() func() { return func() {} },
		Send: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, "POST", w.url, nil)
			if err != nil {
				return err
			}
			_, err = w.client.Do(req)
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := h.Wait(t.Context()); err != nil || key != r.ID {
		t.Errorf("key %q of %s, %v", key, r.ID, err)
	}
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
