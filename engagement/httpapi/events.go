package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Bounds of an event stream.
const (
	// comeBack is how long a browser waits, in milliseconds, before it comes back to
	// a stream that has ended.
	comeBack = 1000
	// readAhead is how many entries of the feed are folded at a time.
	readAhead = 256
	// gather is how long a stream waits after it was woken, so that changes which
	// come together go out together.
	gather = 10 * time.Millisecond
)

// streamEvents tells the client of every change from the position that it names.
//
// The buffer of a stream is the change feed itself: a stream keeps its position
// and reads on when it is woken, so that a slow client costs no memory and is
// told the latest truth when it gets to it. One that takes nothing for
// EventTimeout is cut off, and so is one that has to make way (see room): it comes
// back with Last-Event-ID and has missed nothing.
func (a *API) streamEvents(w http.ResponseWriter, r *request) error {
	after, asked, err := positionOf(r)
	if err != nil {
		return err
	}
	address := a.address(r.Request)
	ofSession, err := a.sessionStreams.enter(cmp.Or(r.session.ID, address))
	if err != nil {
		return err
	}
	defer ofSession.leave()
	place, err := a.streams.enter(address)
	if err != nil {
		return err
	}
	defer place.leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	select {
	case <-a.draining:
		return overloaded("the server is shutting down")
	default:
	}

	// Watching begins before the position is read: nothing can fall between.
	wake, stop := a.store.Watch()
	defer stop()
	s := &stream{api: a, request: r, ctx: ctx, cancel: cancel, place: place, out: http.NewResponseController(w), w: w, after: after}
	if err := s.begin(asked); err != nil {
		return err
	}
	s.run(wake)
	return nil
}

// positionOf reads where the client left off; asked is false when it does not say.
func positionOf(r *request) (after int64, asked bool, err error) {
	if err := checkQuery(r, "after"); err != nil {
		return 0, false, err
	}
	text := r.Header.Get("Last-Event-ID") // newer than the query, which a browser repeats
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, false, nil
	}
	after, err = strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 || strconv.FormatInt(after, 10) != text {
		return 0, false, badRequest("after and Last-Event-ID must be a position that the server gave")
	}
	return after, true, nil
}

// stream is one client's event stream. It belongs to the goroutine of its request.
type stream struct {
	api     *API
	request *request
	ctx     context.Context // ends also when the stream has to make way for another
	cancel  context.CancelFunc
	place   *guest
	out     *http.ResponseController
	w       http.ResponseWriter

	// after is the position up to which everything has been told.
	after int64
}

// makeWay ends the stream. It is safe for concurrent use.
func (s *stream) makeWay() {
	s.cancel()
	s.out.SetWriteDeadline(longAgo)
}

// begin finds the position to go on from and sends the first event. An error
// means that nothing has been sent.
func (s *stream) begin(asked bool) error {
	ctx, first := s.ctx, wire.EventHello
	if asked {
		_, err := s.api.store.Entries(ctx, s.after, 1)
		switch {
		case engagement.ErrorCode(err) == engagement.FeedGap:
			asked, first = false, wire.EventReset
		case err != nil:
			return err
		}
	}
	if !asked {
		var err error
		if s.after, err = s.api.store.Position(ctx); err != nil {
			return err
		}
	}
	s.place.wait(s.makeWay)
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	s.send(first, s.after, wire.Hello{After: s.after, Viewer: s.request.session.User})
	return nil
}

// run tells what happens until the client goes, the session ends, or the server drains.
func (s *stream) run(wake <-chan struct{}) {
	beat := time.NewTicker(s.api.options.Heartbeat)
	defer beat.Stop()
	ctx := s.ctx
	for alive := s.tell(ctx); alive; {
		select {
		case <-ctx.Done():
			return
		case <-s.api.draining:
			return
		case <-wake:
			select {
			case <-time.After(gather):
			case <-ctx.Done():
			}
			alive = s.tell(ctx)
		case <-beat.C:
			alive = s.sessionLasts() && s.send(wire.EventBeat, 0, struct{}{})
		}
	}
}

// tell sends the truth of everything that changed since s.after. It reports
// whether the stream can go on.
func (s *stream) tell(ctx context.Context) bool {
	for {
		entries, err := s.api.store.Entries(ctx, s.after, readAhead)
		if err != nil {
			return false // the client comes back, and is told to reset if need be
		}
		if len(entries) == 0 {
			return true
		}
		last := entries[len(entries)-1].Position
		posts := distinctPosts(entries)
		for i, post := range posts {
			truth, err := s.api.store.Truth(ctx, post, s.request.session.User)
			if err != nil {
				return false
			}
			// Only the last event of a batch carries a position: whoever is cut off
			// within gets all of the batch again, and equal truth changes nothing.
			position := int64(0)
			if i == len(posts)-1 {
				position = last
			}
			if !s.send(wire.EventTruth, position, truthToWire(truth)) {
				return false
			}
		}
		s.after = last
		if len(entries) < readAhead {
			return true
		}
	}
}

// distinctPosts returns the posts of the entries, each once.
func distinctPosts(entries []engagement.FeedEntry) []string {
	seen := make(map[string]bool, len(entries))
	var posts []string
	for _, e := range entries {
		if !seen[e.Post] {
			seen[e.Post] = true
			posts = append(posts, e.Post)
		}
	}
	return posts
}

// send writes one event; position 0 is none. It reports whether the client took it.
func (s *stream) send(event string, position int64, data any) bool {
	text := encode(data)
	frame := make([]byte, 0, len(text)+64)
	first := event == wire.EventHello || event == wire.EventReset
	if position > 0 || first {
		frame = strconv.AppendInt(append(frame, "id: "...), position, 10)
		frame = append(frame, '\n')
	}
	if first {
		frame = strconv.AppendInt(append(frame, "retry: "...), comeBack, 10)
		frame = append(frame, '\n')
	}
	frame = append(append(append(frame, "event: "...), event...), "\ndata: "...)
	frame = append(append(frame, text...), "\n\n"...)
	s.out.SetWriteDeadline(time.Now().Add(s.api.options.EventTimeout))
	if s.ctx.Err() != nil { // looked at after the deadline was set: who ends the wait sets it afterwards
		return false
	}
	if _, err := s.w.Write(frame); err != nil {
		return false
	}
	return s.out.Flush() == nil
}

// sessionLasts reports whether the viewer is still signed in (or never was).
func (s *stream) sessionLasts() bool {
	if s.request.session.ID == "" {
		return true
	}
	if _, err := s.api.claimed(s.request.Request); err != nil {
		return false // it has grown too old
	}
	return s.api.checkSession(s.request) == nil
}
