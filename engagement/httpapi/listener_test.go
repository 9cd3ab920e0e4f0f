package httpapi_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/wire"
)

// event is one server-sent event.
type event struct {
	id   string // empty when it had none
	name string
	data string
}

// check compares the data with its schema.
func (e event) check(tb testing.TB) {
	tb.Helper()
	names := map[string]string{wire.EventHello: "Hello", wire.EventReset: "Hello", wire.EventTruth: "Truth", wire.EventBeat: "Beat"}
	if err := mustReadDocument(tb).checkJSON([]byte(e.data), "components", "schemas", names[e.name]); err != nil {
		tb.Errorf("event %s: %v", e.name, err)
	}
}

// listener reads an event stream until its context ends.
type listener struct {
	tb     testing.TB
	status int
	events <-chan event // closed at the end of the stream
	close  func()
}

// listen opens /v1/events with the query and, when not empty, Last-Event-ID.
func (c *client) listen(query, lastEventID string) *listener {
	c.tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c.tb.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", c.url+"/v1/events"+query, nil)
	if err != nil {
		c.tb.Fatal(err)
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	if c.address != "" {
		req.Header.Set("X-Client", c.address)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	res, err := (&http.Client{Transport: c.http.Transport}).Do(req)
	if err != nil {
		c.tb.Fatal(err)
	}
	checkDocumented(c.tb, exchange{"GET", req.URL, req.Header, nil, res.StatusCode, res.Header, nil})
	events := make(chan event, 1000)
	go func() {
		defer close(events)
		defer res.Body.Close()
		var e event
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				events <- e
				e = event{}
			}
		}
	}()
	return &listener{c.tb, res.StatusCode, events, cancel}
}

// next returns the next event but heartbeats, or fails when none comes.
func (l *listener) next() event {
	l.tb.Helper()
	enough := time.After(patience)
	for {
		select {
		case e, ok := <-l.events:
			if !ok {
				l.tb.Fatal("the stream has ended")
			}
			e.check(l.tb)
			if e.name != wire.EventBeat {
				return e
			}
		case <-enough:
			l.tb.Fatal("no event comes")
		}
	}
}

func (l *listener) hello(name string) wire.Hello {
	l.tb.Helper()
	e := l.next()
	equal(l.tb, "event", e.name, name)
	h, err := wire.DecodeHello([]byte(e.data))
	if err != nil {
		l.tb.Fatal(err)
	}
	equal(l.tb, "id", e.id, h.After)
	return h
}

func (l *listener) truth() (wire.Truth, string) {
	l.tb.Helper()
	e := l.next()
	equal(l.tb, "event", e.name, wire.EventTruth)
	t, err := wire.DecodeTruth([]byte(e.data))
	if err != nil {
		l.tb.Fatal(err)
	}
	return t, e.id
}

// until reads on to the version of the post.
func (l *listener) until(post string, version uint64) (wire.Truth, string) {
	l.tb.Helper()
	for {
		if t, id := l.truth(); "/v1/posts/"+t.ID == post && t.Version >= version {
			return t, id
		}
	}
}

// ended waits for the end of the stream.
func (l *listener) ended() {
	l.tb.Helper()
	enough := time.After(patience)
	for {
		select {
		case _, ok := <-l.events:
			if !ok {
				return
			}
		case <-enough:
			l.tb.Fatal("the stream goes on")
		}
	}
}
