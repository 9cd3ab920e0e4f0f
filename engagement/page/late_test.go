package page

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newLate(t *testing.T) *Late {
	t.Helper()
	l, err := NewLate()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var thePage = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the page") })

// TestLate: until the page is there, another one says so, has what it needs, and learns of
// the page at once.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, began := newLate(t), time.Now()
		starting := get(t, l, "/").Body.String()
		if !strings.Contains(starting, "Starting") || time.Since(began) != glance {
			t.Errorf("after %v: %s", time.Since(began), starting)
		}
		for _, path := range []string{"/style.css", "/starting.js", "/favicon.svg"} {
			if !strings.Contains(starting, path) && path != "/favicon.svg" {
				t.Errorf("the page does not use %s", path)
			}
			if w := get(t, l, path); w.Code != 200 || w.Body.Len() == 0 || time.Since(began) != glance {
				t.Errorf("%s: %d after %v", path, w.Code, time.Since(began))
			}
		}
		if w := get(t, l, startedPath); w.Code != http.StatusAccepted {
			t.Errorf("no page: %d", w.Code)
		}
		if w := get(t, l, "/page.wasm"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("the client: %d", w.Code)
		}
		answers := make(chan int)
		for _, path := range []string{startedPath, "/page.wasm"} {
			go func() { answers <- get(t, l, path).Code }()
		}
		synctest.Wait()
		began = time.Now()
		l.Set(thePage)
		if a, b := <-answers, <-answers; a+b != 204+200 || time.Since(began) != 0 {
			t.Errorf("%d and %d after %v", a, b, time.Since(began))
		}
		if w := get(t, l, "/"); w.Body.String() != "the page" {
			t.Errorf("%s", w.Body)
		}
	})
}

// TestLateIsEarly: a page that is there within a moment is not announced.
func TestLateIsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLate(t)
		time.AfterFunc(glance/2, func() { l.Set(thePage) })
		if w := get(t, l, "/"); w.Body.String() != "the page" {
			t.Errorf("%s", w.Body)
		}
	})
}

// TestLateAndTheEnd: requests that wait do not hold up the end of the server, and the page
// that waits goes on to ask.
func TestLateAndTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, began := newLate(t), time.Now()
		answer := make(chan int)
		go func() { answer <- get(t, l, startedPath).Code }()
		synctest.Wait()
		l.Set(nil)
		if code := <-answer; code != http.StatusAccepted || time.Since(began) != 0 {
			t.Errorf("%d after %v", code, time.Since(began))
		}
		if w := get(t, l, "/"); !strings.Contains(w.Body.String(), "Starting") {
			t.Errorf("%s", w.Body)
		}
	})
}

// TestLateGivenUp: nobody waits for a client who is gone.
func TestLateGivenUp(t *testing.T) {
	l := newLate(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", startedPath, nil))
	if w.Code != http.StatusAccepted {
		t.Error(w.Code)
	}
}
