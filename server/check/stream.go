package check

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// event is one server-sent event.
type event struct{ id, name, data string }

// stream is one stream of the server. It belongs to one goroutine; close ends its reader.
type stream struct {
	run    *run
	answer answer // has a parsed body when the server refused the stream
	// events receives the events; closed when the stream ends.
	events chan event
	cancel context.CancelFunc
	body   io.Closer

	// position is the id of the last event with an id; empty: no event had one.
	position string
	// versions has the versions that the stream told of each entity, in their order.
	versions map[string][]int64
	reset    bool // the server sent a reset
	ended    bool
}

// follow opens a stream after a position; empty: from now on. byQuery puts the position
// into the query instead of the header.
func (r *run) follow(ctx context.Context, base string, u *user, after string, byQuery bool) (*stream, error) {
	feed := r.Profile.Feed
	c := feed.Request.fill(values{user: u.name})
	c.user = u
	c.header.Set("Accept", "text/event-stream")
	switch {
	case after == "":
	case byQuery:
		mark := "?"
		if strings.Contains(c.path, "?") {
			mark = "&"
		}
		c.path += mark + feed.After + "=" + after
	default:
		c.header.Set("Last-Event-ID", after)
	}
	s := &stream{run: r, events: make(chan event, 64), position: after, versions: make(map[string][]int64)}
	ctx, s.cancel = context.WithCancel(ctx)
	response, err := r.do(ctx, base, c)
	if err != nil {
		s.cancel()
		return nil, err
	}
	r.requests.Add(1)
	s.body = response.Body
	s.answer = answer{status: response.StatusCode, header: response.Header}
	if mediaType, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";"); response.StatusCode != http.StatusOK || mediaType != "text/event-stream" {
		data, _ := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
		s.answer.body = parse(data)
		r.note(c, s.answer)
		close(s.events)
		return s, nil
	}
	go s.listen(ctx, response.Body)
	return s, nil
}

// live opens a stream and fails if the server refuses it.
func (r *run) live(ctx context.Context, base string, u *user, after string, byQuery bool) (*stream, error) {
	s, err := r.follow(ctx, base, u, after, byQuery)
	if err != nil {
		return nil, err
	}
	if s.answer.status != http.StatusOK || s.answer.header.Get("Content-Type") == "" || s.answer.body != nil {
		s.close()
		return nil, failf("%s answered %s, and should answer with a stream", r.Profile.Feed.Path, s.answer)
	}
	if hello := r.Profile.Feed.Hello; hello != "" && !s.await(ctx, func(e event) bool { return e.name == hello || s.reset }) {
		s.close()
		return nil, failf("the stream did not begin with an event %q", hello)
	}
	return s, nil
}

func (s *stream) listen(ctx context.Context, body io.Reader) {
	defer close(s.events)
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, mostAnswer)
	var e event
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data += value + "\n"
		case "":
			if lines.Text() != "" || e == (event{}) {
				continue // a comment, or an event without data
			}
			if e.name == "" {
				e.name = "message"
			}
			select {
			case s.events <- e:
			case <-ctx.Done():
				return
			}
			e = event{}
		}
	}
}

// close ends the stream and its reader.
func (s *stream) close() {
	s.cancel()
	s.body.Close()
	for range s.events { // until the reader has gone
	}
}

// await takes events until done returns true for one of them. It returns false when
// Patience or the stream is over.
func (s *stream) await(ctx context.Context, done func(event) bool) bool {
	return s.awaitFor(ctx, s.run.Patience, done)
}

func (s *stream) awaitFor(ctx context.Context, patience time.Duration, done func(event) bool) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case e, ok := <-s.events:
			if !ok {
				s.ended = true
				return false
			}
			s.take(e)
			if done(e) {
				return true
			}
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// take records the news of the event.
func (s *stream) take(e event) {
	feed, truth := s.run.Profile.Feed, s.run.Profile.Truth
	if e.id != "" {
		s.position = e.id
	}
	switch e.name {
	case feed.Reset:
		s.reset = true
	case or(feed.Change, "message"):
		data := parse([]byte(e.data))
		id, ok := at(data, or(feed.ID, truth.ID)).(string)
		version, isVersion := whole(at(data, or(feed.Version, truth.Version)))
		if ok && isVersion {
			s.versions[id] = append(s.versions[id], version)
		}
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// told reports whether the stream has told of the version of the entity or of a later one.
func (s *stream) told(entity string, version int64) bool {
	for _, v := range s.versions[entity] {
		if v >= version {
			return true
		}
	}
	return false
}

// awaitAll waits until the stream has told of these versions of all entities, and fails if
// it does not.
func (s *stream) awaitAll(ctx context.Context, versions map[string]int64) error {
	missing := func() (n int, which string) {
		for entity, version := range versions {
			if !s.told(entity, version) {
				n++
				which = fmt.Sprintf("%s in version %d", entity, version)
			}
		}
		return n, which
	}
	if n, _ := missing(); n == 0 || s.await(ctx, func(event) bool { n, _ := missing(); return n == 0 }) {
		return nil
	}
	n, which := missing()
	how := fmt.Sprintf("within %v", s.run.Patience)
	if s.ended {
		how = "before it ended"
	}
	if s.reset {
		return failf("the stream said that its position is not known, and the server had just given it")
	}
	return failf("%d of %d changes were not told %s, such as %s", n, len(versions), how, which)
}
