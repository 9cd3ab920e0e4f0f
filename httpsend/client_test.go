package httpsend_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
)

// answerOf asks a handler for one answer.
func answerOf(t *testing.T, client *httpsend.Client, handler http.HandlerFunc) (httpsend.Answer, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), "PUT", server.URL+"/posts/42/like?user=ann", nil)
	if err != nil {
		t.Fatal(err)
	}
	return client.Do(req)
}

// TestStatuses: a status means what optimist.StatusError says.
func TestStatuses(t *testing.T) {
	for code := 200; code < 600; code++ {
		var got, want *optimist.SendError
		answer, err := answerOf(t, nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		errors.As(err, &got)
		errors.As(optimist.StatusError(code, 0, nil), &want)
		if (got == nil) != (want == nil) || got != nil && got.Class != want.Class {
			t.Errorf("status %d is %v", code, err)
		}
		var refusal *httpsend.Refusal
		if answer.Status != code || errors.As(err, &refusal) != (err != nil) || refusal != nil && refusal.Status != code {
			t.Errorf("status %d: answer %+v, %v", code, answer, err)
		}
	}
}

// TestRetryAfter: both forms count, a date by the server's own clock.
func TestRetryAfter(t *testing.T) {
	const tuesday = "Tue, 15 Nov 1994 08:12:"
	for _, c := range []struct {
		after, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"7", "", 7 * time.Second},
		{" 7 ", "", 7 * time.Second},
		{"-7", "", 0},
		{"1.5", "", 0},
		{"soon", "", 0},
		{"86401", "", 24 * time.Hour},
		{"99999999999999999999", "", 24 * time.Hour},
		{tuesday + "37 GMT", tuesday + "31 GMT", 6 * time.Second},
		{"Tuesday, 15-Nov-94 08:12:37 GMT", tuesday + "31 GMT", 6 * time.Second},
		{"Tue Nov 15 08:12:37 1994", tuesday + "31 GMT", 6 * time.Second},
		{tuesday + "31 GMT", tuesday + "37 GMT", 0},
		{tuesday + "31 GMT", "", 0}, // long ago
		{"Tue, 15 Nov 2194 08:12:31 GMT", "", 24 * time.Hour},
	} {
		_, err := answerOf(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
			if c.date != "" {
				w.Header().Set("Date", c.date)
			}
			w.Header().Set("Retry-After", c.after)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		var failed *optimist.SendError
		if !errors.As(err, &failed) || failed.Class != optimist.Overloaded || failed.RetryAfter != c.want {
			t.Errorf("%q at %q: %+v, want %v", c.after, c.date, failed, c.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "86401", "-1", "9223372036854775807", "99999999999999999999", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"} {
		f.Add(s, "Wed, 21 Oct 2026 07:27:00 GMT")
	}
	f.Fuzz(func(t *testing.T, after, date string) {
		a := httpsend.Answer{Header: http.Header{"Retry-After": {after}, "Date": {date}}}
		if wait := a.RetryAfter(); wait < 0 || wait > 24*time.Hour {
			t.Fatalf("%q at %q is a wait of %v", after, date, wait)
		}
	})
}

// TestRefusalTells: the text of an error has the problem, and never more than fits.
func TestRefusalTells(t *testing.T) {
	const request = "PUT /posts/42/like: status 422"
	long := strings.Repeat("ä", 1000)
	for _, c := range []struct{ media, body, want string }{
		{"application/problem+json", `{"type":"/problems/invalid","title":"Invalid","detail":"the text is too short"}`, request + ": Invalid: the text is too short"},
		{"application/problem+json; charset=utf-8", `{"title":"Invalid","detail":7}`, request + ": Invalid"},
		{"application/json", `{"title":"Invalid","truth":{"likes":3}}`, request + ": Invalid"},
		{"application/json", `[1,2]`, request},
		{"application/problem+json", `{"title":`, request},
		{"text/plain; charset=utf-8", "two\r\nlines\x00 \u202e and more\n", request + ": two  lines  and more"},
		{"text/html", "<html>", request},
		{"text/plain", "\xff\xfe", request},
		{"application/problem+json", `{"title":"` + long + `"}`, request + ": " + strings.Repeat("ä", 98) + "…"},
	} {
		_, err := answerOf(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.media)
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, c.body)
		})
		var refusal *httpsend.Refusal
		if !errors.As(err, &refusal) || refusal.Error() != c.want || !utf8.ValidString(refusal.Error()) {
			t.Errorf("%s %.40q: %v", c.media, c.body, err)
		}
	}
}

// TestVersion reads the versions in entity tags.
func TestVersion(t *testing.T) {
	for tag, want := range map[string]uint64{"": 0, `"7"`: 7, `W/"7"`: 7, "7": 7, `"abc"`: 0, `"-7"`: 0, `"18446744073709551615"`: 1<<64 - 1} {
		a := httpsend.Answer{Header: http.Header{"Etag": {tag}}}
		if got := a.Version(); got != want {
			t.Errorf("%s is version %d", tag, got)
		}
	}
	if got := (httpsend.Answer{}).Version(); got != 0 {
		t.Errorf("no answer has version %d", got)
	}
}

// TestRedirectThatRepeats: the operation goes where the server sends it, whole and with
// its key.
func TestRedirectThatRepeats(t *testing.T) {
	arrived := make(chan string, 1)
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- r.Method + " " + string(body) + " " + r.Header.Get(httpsend.HeaderKey)
		io.WriteString(w, "post 7 2")
	}))
	defer there.Close()
	here := httptest.NewServer(http.RedirectHandler(there.URL, http.StatusPermanentRedirect))
	defer here.Close()
	send := httpsend.Send(nil, func(optimist.Call[int]) (*http.Request, error) { return httpsend.JSON("PUT", here.URL, true) }, truthIn)
	if _, err := send(t.Context(), optimist.Call[int]{ID: "key-1"}); err != nil {
		t.Fatal(err)
	}
	if got := <-arrived; got != "PUT true key-1" {
		t.Errorf("arrived: %s", got)
	}
}

// TestOwnRedirectRule: the program's client decides about redirects that repeat the request.
func TestOwnRedirectRule(t *testing.T) {
	client := &httpsend.Client{HTTP: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("not there") }}}
	_, err := answerOf(t, client, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 307) })
	var failed *optimist.SendError
	if !errors.As(err, &failed) || failed.Class != optimist.Permanent || !strings.Contains(err.Error(), "not there") {
		t.Error(err)
	}
}

// TestNetHTTPRepeats: net/http sends a request again by itself when a used connection
// breaks. It is the same request, and one attempt.
func TestNetHTTPRepeats(t *testing.T) {
	var requests atomic.Int32
	keys := make(chan string, 10)
	address := raw(t, func(c net.Conn, in *bufio.Reader) {
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(r.Body)
			keys <- r.Header.Get(httpsend.HeaderKey) + " " + string(body)
			if requests.Add(1) == 2 {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npost 7 2")
		}
	})
	client := over(&http.Transport{})
	send := httpsend.Send(client, func(c optimist.Call[int]) (*http.Request, error) {
		return httpsend.JSON("PUT", "http://"+address, c.Args)
	}, truthIn)
	for n := range 2 {
		if _, err := send(t.Context(), optimist.Call[int]{ID: fmt.Sprintf("key-%d", n), Args: n}); err != nil {
			t.Fatal(err)
		}
	}
	if requests.Load() != 3 {
		t.Fatalf("%d requests", requests.Load())
	}
	for _, want := range []string{"key-0 0", "key-1 1", "key-1 1"} {
		if got := <-keys; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	}
}

// TestMisuse: nothing that a program hands over makes it panic.
func TestMisuse(t *testing.T) {
	nothing := func(optimist.Call[int]) (*http.Request, error) { return nil, nil }
	unencodable := func(optimist.Call[int]) (*http.Request, error) {
		return httpsend.JSON("PUT", "http://x.invalid", func() {})
	}
	signedOut := func(optimist.Call[int]) (*http.Request, error) {
		return nil, optimist.Fail(optimist.Unauthenticated, errors.New("there is no token"))
	}
	for name, c := range map[string]struct {
		request func(optimist.Call[int]) (*http.Request, error)
		want    optimist.Class
	}{
		"no function": {nil, optimist.Permanent}, "no request": {nothing, optimist.Permanent},
		"no JSON": {unencodable, optimist.Permanent}, "its own class": {signedOut, optimist.Unauthenticated},
	} {
		var failed *optimist.SendError
		if _, err := httpsend.Send(nil, c.request, truthIn)(t.Context(), optimist.Call[int]{}); !errors.As(err, &failed) || failed.Class != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := httpsend.SendGroup(nil, c.request, nil)(t.Context(), optimist.Call[int]{}); !errors.As(err, &failed) || failed.Class != c.want {
			t.Errorf("%s, of a group: %v", name, err)
		}
	}
	if _, err := httpsend.Read[post](nil, nil, nil)(t.Context(), "42"); err == nil {
		t.Error("a read without request succeeded")
	}
	if _, err := (*httpsend.Client)(nil).Do(nil); err == nil {
		t.Error("no request succeeded")
	}
	if _, err := new(httpsend.Client).Do((&http.Request{Method: "PUT"}).WithContext(context.Background())); err == nil {
		t.Error("a request without address succeeded")
	}
}

// TestPlainTransport: a transport that fills in no more than it has to.
func TestPlainTransport(t *testing.T) {
	for code, want := range map[int]optimist.Class{200: 0, 404: optimist.Permanent, 0: optimist.Unknown, 504: optimist.Unknown} {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", "http://unset.invalid/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		var failed *optimist.SendError
		_, err = over(answering{&http.Response{StatusCode: code}}).Do(req)
		if errors.As(err, &failed) != (want != 0) || failed != nil && failed.Class != want {
			t.Errorf("status %d: %v", code, err)
		}
	}
}

type answering struct{ with *http.Response }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) { return a.with, nil }
