package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// EventOptions are the options of [Kit.Events]. The zero value of a field means the
// default named there. No field may be negative.
type EventOptions struct {
	// Heartbeat is the longest silence on a stream; 0 means 15 s.
	Heartbeat time.Duration

	// WriteTimeout is the longest time for writing one event to the client; 0 means 30 s.
	// After it the stream ends. The client reconnects with Last-Event-ID and misses nothing.
	WriteTimeout time.Duration

	// Alive is called at each heartbeat; false ends the stream, for instance because the
	// session of the request has ended. nil means that the stream may always go on.
	Alive func(*http.Request) bool

	// Most is the greatest number of streams of the handler at a time; 0 means 10,000.
	// Further requests are refused with 503 and Retry-After.
	Most int
}

func (o *EventOptions) fill() {
	if o.Heartbeat < 0 || o.WriteTimeout < 0 || o.Most < 0 {
		panic("server: no field of EventOptions may be negative")
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 30 * time.Second
	}
	if o.Most == 0 {
		o.Most = 10_000
	}
}

// Events returns a handler of server-sent events: the events of [Kit.Stream] for the user
// of the request, and heartbeats. The id of an event is a [Cursor]. A stream starts after
// the cursor in the header Last-Event-ID, or else in the query parameter after.
//
// A stream ends at once when the request's context ends, even while a write to the client
// is blocked: to end a stream, call the handler with a context that you can cancel.
// [Kit.Drain] ends it too. Clients reconnect after a random time between 500 and 1500 ms.
func (k *Kit) Events(options EventOptions) http.Handler {
	options.fill()
	var open atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer open.Add(-1)
		if open.Add(1) > int64(options.Most) {
			writeProblem(w, overloaded("there are too many event streams"))
			return
		}
		if err := k.sendEvents(w, r, &options); err != nil {
			k.refuse(w, r, err)
		}
	})
}

// Drain ends all streams and refuses new ones, so that an [http.Server] can shut down: see
// [http.Server.RegisterOnShutdown]. It does not wait for their end. Operations go on.
func (k *Kit) Drain() { k.fan.drain() }

// sendEvents answers with a stream. An error means that nothing has been sent.
func (k *Kit) sendEvents(w http.ResponseWriter, r *http.Request, options *EventOptions) error {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		return &Refusal{Status: http.StatusMethodNotAllowed, Detail: "an event stream is asked for with GET"}
	}
	after, err := afterOf(r)
	if err != nil {
		return err
	}
	user, err := k.user(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(k.fan.open, cancel)()
	s, first, err := k.fan.enter(ctx, user, after)
	if err != nil {
		return err
	}
	defer s.close()
	out := newEventWriter(r.Context(), k.fan.open, w, options.WriteTimeout)
	defer out.close()
	if !out.open(first) {
		return nil
	}
	beat := time.NewTicker(options.Heartbeat)
	defer beat.Stop()
	for {
		events, wait := s.next(ctx)
		if len(events) > 0 {
			if !out.send(events) {
				return nil
			}
			wakeUp(s.woken) // there may be more
		}
		select {
		case <-s.woken:
		case <-wait:
		case <-beat.C:
			if options.Alive != nil && !options.Alive(r) || !out.send(beats) {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

var beats = []Event{{Name: EventBeat, Data: []byte("{}")}}

// afterOf reads the cursor of the last event that the client has; zero when the request
// names none.
func afterOf(r *http.Request) (Cursor, error) {
	text := r.Header.Get("Last-Event-ID") // newer than the query, which a browser repeats
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	after, err := ParseCursor(text)
	if err != nil {
		return after, badRequest("after and Last-Event-ID must be a cursor that the server gave")
	}
	return after, nil
}

// eventWriter writes server-sent events. It belongs to the goroutine of its request.
type eventWriter struct {
	ctx     context.Context // of the request
	serving context.Context // ends when all streams must end
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration

	stops  []func() // cancel the functions that end blocked writes, or wait for them
	broken bool     // a write failed
	line   []byte   // is reused
}

// lastWrite is the longest time for writing an event when the server shuts down.
const lastWrite = 100 * time.Millisecond

// newEventWriter returns a writer whose writes end with ctx. After serving has ended a
// write may go on for lastWrite, so that the client gets a complete answer.
func newEventWriter(ctx, serving context.Context, w http.ResponseWriter, timeout time.Duration) *eventWriter {
	out := &eventWriter{ctx: ctx, serving: serving, w: w, control: http.NewResponseController(w), timeout: timeout}
	out.stops = []func(){
		after(serving, func() { out.control.SetWriteDeadline(time.Now().Add(lastWrite)) }),
		after(ctx, func() { out.control.SetWriteDeadline(time.Unix(1, 0)) }),
	}
	return out
}

// after calls f when ctx ends, unless stop is called before. When stop has returned, f
// does not run.
func after(ctx context.Context, f func()) (stop func()) {
	over := make(chan struct{})
	take := context.AfterFunc(ctx, func() {
		defer close(over)
		f()
	})
	return func() {
		if !take() {
			<-over
		}
	}
}

// close returns when no function touches the answer any more. The connection may be used
// for other answers if all went well.
func (out *eventWriter) close() {
	for _, stop := range out.stops {
		stop()
	}
	if !out.broken && out.ctx.Err() == nil {
		out.control.SetWriteDeadline(time.Time{})
	}
}

// open writes the header and the first event. It reports whether the client took it.
func (out *eventWriter) open(first Event) bool {
	h := out.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform") // a proxy that compresses would keep events back
	h.Set("X-Accel-Buffering", "no")
	out.w.WriteHeader(http.StatusOK)
	retry := 500 + rand.IntN(1001)
	out.line = append(strconv.AppendInt(append(out.line[:0], "retry: "...), int64(retry), 10), '\n')
	if _, err := out.w.Write(out.line); err != nil {
		return false
	}
	return out.send([]Event{first})
}

// send writes the events. It reports whether the client took them.
func (out *eventWriter) send(events []Event) bool {
	out.broken = !out.write(events)
	return !out.broken
}

func (out *eventWriter) write(events []Event) bool {
	for i, e := range events {
		// An event that does not fit into the buffers waits for the client, so each event gets
		// its own deadline.
		if i == 0 || len(e.Data) > 1<<10 {
			out.control.SetWriteDeadline(time.Now().Add(out.timeout))
			// This look comes after the deadline was set, and the functions in stops set theirs
			// after the contexts have ended: so no end is overlooked.
			if out.ctx.Err() != nil || out.serving.Err() != nil {
				return false
			}
		}
		out.line = out.line[:0]
		if !e.Cursor.IsZero() {
			out.line = append(append(append(out.line, "id: "...), e.Cursor.String()...), '\n')
		}
		out.line = append(append(append(out.line, "event: "...), e.Name...), "\ndata: "...)
		out.w.Write(out.line) // an error comes again below
		out.w.Write(e.Data)
		if _, err := out.w.Write(ending); err != nil {
			return false
		}
	}
	err := out.control.Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

var ending = []byte("\n\n")
