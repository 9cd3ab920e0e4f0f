package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/optimist-go/optimist/server/internal/fanout"
)

// Names of the events of a stream.
const (
	// EventHello opens every stream. Its data is {"after", "viewer"}: the cursor from which
	// the stream goes on, and the viewer for whom it tells truth.
	EventHello = "hello"
	// EventTruth says that an entity changed. Its data is the [View] of the viewer. Changes of
	// one entity may be folded into one event with the latest truth.
	EventTruth = "truth"
	// EventReset says that the server no longer knows the cursor: the client's entities may be
	// stale and have to be read anew. Its data has the form of EventHello's.
	EventReset = "reset"
	// EventBeat says that the stream is alive. Its data is {}. [Kit.Stream] has no such
	// events.
	EventBeat = "beat"
)

// Event is one event of a stream.
type Event struct {
	// Name is one of the Event… constants.
	Name string
	// Data is JSON. It must not be changed.
	Data []byte
	// Cursor is the place up to which the client knows all changes after this event; zero: the
	// previous one stays valid, because more events of the same changes follow.
	Cursor Cursor
}

// hello is the data of EventHello and EventReset.
type hello struct {
	After  string `json:"after"`
	Viewer string `json:"viewer"`
}

// Stream tells the viewer of every change after the cursor; a zero cursor means from now
// on. The first event is [EventHello], or [EventReset] when the server does not know the
// cursor; a reset may come later too. The stream ends with ctx or with the Kit. Before its
// first event it may end with an error, which wraps [ErrUnavailable] when the database is
// not available, and [ErrText] when it cannot keep the name of the viewer; later the stream
// waits for the database.
//
// A consumer that takes events slowly gets the latest truth of each entity; no events are
// stored for it.
func (k *Kit) Stream(ctx context.Context, viewer string, after Cursor) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s, first, err := k.fan.enter(ctx, viewer, after)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer s.close()
		if !yield(first, nil) {
			return
		}
		for ctx.Err() == nil {
			events, wait := s.next(ctx)
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			if len(events) > 0 {
				wakeUp(s.woken)
			}
			select {
			case <-wait:
			case <-s.woken:
			case <-ctx.Done():
				return
			case <-k.fan.open.Done():
				return
			}
		}
	}
}

// stream is one client's place in the feed. It belongs to one goroutine.
type stream struct {
	fan    *fan
	viewer string
	woken  chan struct{} // has room for one
	// entered is the number of the reader's last attempt before the stream.
	entered int

	// cursor is the place up to which all changes have been told.
	cursor Cursor
	// place is the place in the log; 0 while the stream reads the feed by itself.
	place fanout.Place

	frames []*fanout.Frame // is reused
	events []Event         // is reused
}

// errDraining refuses a stream.
var errDraining = errors.New("server: no new streams: the server is shutting down")

// enter registers a stream, which the caller must close, and returns its first event.
func (f *fan) enter(ctx context.Context, viewer string, after Cursor) (*stream, Event, error) {
	if !isText(viewer) { // the reader asks for all viewers at once, and would fail for all
		return nil, Event{}, fmt.Errorf("server: the viewer %q: %w", viewer, ErrText)
	}
	s := &stream{fan: f, viewer: viewer, woken: make(chan struct{}, 1), cursor: after}
	f.mu.Lock()
	f.streams[s] = true
	f.log.Enter(viewer)
	_, running := f.log.Newest()
	s.entered = f.attempts
	f.mu.Unlock()
	if !running {
		wakeUp(f.wake)
	}
	first, err := s.begin(ctx)
	if err != nil {
		s.close()
		return nil, Event{}, err
	}
	return s, first, nil
}

func (s *stream) close() {
	s.fan.mu.Lock()
	defer s.fan.mu.Unlock()
	delete(s.fan.streams, s)
	s.fan.log.Leave(s.viewer)
}

// begin finds the place from which the stream goes on.
func (s *stream) begin(ctx context.Context) (Event, error) {
	for {
		if s.fan.open.Err() != nil {
			return Event{}, errDraining
		}
		s.fan.mu.Lock()
		newest, running := s.fan.log.Newest()
		failed := s.fan.failed
		if s.fan.attempts == s.entered {
			failed = nil // the failure was before this stream
		}
		if running && s.cursor.IsZero() {
			s.cursor = newest
		}
		if running && newest.reaches(s.cursor) { // a cursor beyond the newest round may not be a place
			s.joinLocked()
		}
		s.fan.mu.Unlock()
		switch {
		case s.place != 0:
			return s.opening(EventHello), nil
		case running:
			return s.beginAlone(ctx)
		case failed != nil:
			return Event{}, failed
		}
		select {
		case <-s.woken:
		case <-s.fan.open.Done():
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// beginAlone checks in the database whether the cursor is a place.
func (s *stream) beginAlone(ctx context.Context) (Event, error) {
	if err := s.fan.take(ctx); err != nil {
		return Event{}, err
	}
	defer s.fan.giveBack()
	_, _, err := s.fan.db.Entries(ctx, s.cursor, 1)
	if errors.Is(err, ErrGap) {
		return s.reset(ctx)
	}
	return s.opening(EventHello), err
}

func (s *stream) opening(name string) Event {
	data, _ := json.Marshal(hello{s.cursor.String(), s.viewer}) // two strings
	return Event{Name: name, Data: data, Cursor: s.cursor}
}

// reset moves the stream to the feed's end.
func (s *stream) reset(ctx context.Context) (Event, error) {
	at, err := positionNow(ctx, s.fan.db)
	if err != nil {
		return Event{}, err
	}
	s.cursor, s.place = at, 0
	return s.opening(EventReset), nil
}

// mostAtOnce is the number of events taken from the log at a time.
const mostAtOnce = 64

// next returns the events to be told, which are valid until the next call. If there are
// none, the caller waits until woken or, when wait is not nil, until wait.
func (s *stream) next(ctx context.Context) (events []Event, wait <-chan time.Time) {
	for {
		if s.take() {
			return s.told(), nil
		}
		more, err := s.readAlone(ctx)
		switch {
		case err != nil:
			return nil, soon()
		case len(s.events) > 0:
			return s.events, nil
		case !more:
			return nil, nil
		}
	}
}

// soon returns a channel that receives when a stream tries again by itself.
func soon() <-chan time.Time { return time.After(lookAgain/2 + rand.N(lookAgain)) }

// take takes frames from the log. It returns false when the log has no place for the
// stream.
func (s *stream) take() bool {
	s.fan.mu.Lock()
	defer s.fan.mu.Unlock()
	if s.place == 0 && !s.joinLocked() {
		return false
	}
	clear(s.frames)
	frames, place, cursor, ok := s.fan.log.Take(s.frames[:0], s.place, mostAtOnce)
	if !ok {
		s.place = 0
		return false
	}
	s.frames, s.place, s.cursor = frames, place, cursor
	return true
}

// joinLocked finds a place in the log.
func (s *stream) joinLocked() bool {
	s.place, _ = s.fan.log.Join(s.cursor, s.viewer)
	return s.place != 0
}

// told makes events of the frames taken. Only the last one has a cursor: a client that is
// cut off before the last one gets all of them again, and equal truth changes nothing.
func (s *stream) told() []Event {
	s.events = s.events[:0]
	for _, f := range s.frames {
		s.events = append(s.events, Event{Name: EventTruth, Data: f.For(s.viewer)})
	}
	if n := len(s.events); n > 0 {
		s.events[n-1].Cursor = s.cursor
	}
	return s.events
}

// readAlone reads the feed on from the stream's own cursor. more is false when there are no
// new entries: then the log will reach the stream's cursor.
func (s *stream) readAlone(ctx context.Context) (more bool, err error) {
	f := s.fan
	s.events = s.events[:0]
	if err := f.take(ctx); err != nil {
		return false, err
	}
	defer f.giveBack()
	entries, next, err := f.db.Entries(ctx, s.cursor, readAhead)
	if errors.Is(err, ErrGap) {
		first, err := s.reset(ctx)
		if err == nil {
			s.events = append(s.events, first)
		}
		return true, err
	}
	if err != nil {
		return false, err
	}
	if len(entries) == 0 {
		s.cursor = next
		f.mu.Lock()
		defer f.mu.Unlock()
		return s.joinLocked(), nil
	}
	if s.frames, err = f.frames(ctx, distinctEntities(entries), []string{s.viewer}); err != nil {
		f.logger.Warn("a stream cannot read on; it tries again", slog.Any("error", err))
		return false, err
	}
	s.cursor = next
	s.told()
	return true, nil
}
