package web

import (
	"slices"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
)

// Bounds of the timeline.
const (
	timelineRows = 9
	timelineSpan = 8 * time.Second
)

// span is a stretch of an operation's life.
type span struct {
	Kind     string // wait, flight, retry, paused, parked
	From, To time.Time
}

// life is one operation from its tap to its end, or a burst of operations: each of them
// replaced the one before it, or came soon after it, and only the last one had calls.
type life struct {
	ID, Type, Entity string // of the latest one
	Row              string // id of the first one
	Spans            []span // the last one goes on until the operation ends
	Off              bool   // it takes a mark off
	Taps             int
	Calls            int
	Conflict         optimist.Resolution
	Outcome          optimist.Outcome // 0 before the end
	next             string           // id of the operation that replaced it
}

// timeline has the lives of the latest operations, and their totals.
type timeline struct {
	lives []*life // oldest first
	last  time.Time
	total totals
}

// totals count since the page was opened. Saved are taps that needed no call of their own.
type totals struct{ Taps, Calls, Saved, Retries, Conflicts, Undone int }

func (t *timeline) observe(e optimist.Event) {
	if e.ID == "" {
		return
	}
	l := t.find(e.ID)
	if l == nil && e.Kind == event.Accepted {
		t.total.Taps++
		if l = t.burst(e); l == nil {
			l = &life{Row: e.ID, Entity: e.Entity}
			t.lives = append(t.lives, l)
			t.forget()
		}
		l.ID, l.Type, l.Off, l.Outcome, l.next = e.ID, e.Type, takesOff(e.Args), 0, ""
		l.Taps++
	}
	if l == nil {
		return
	}
	t.last = e.At
	switch e.Kind {
	case event.Accepted, event.Unparked:
		l.enter("wait", e.At)
	case event.Joined:
		l.Taps++
		t.total.Taps++
		t.total.Saved++
	case event.Sent:
		l.enter("flight", e.At)
		t.total.Calls++
		if l.Calls++; l.Calls > 1 {
			t.total.Retries++
		}
	case event.Retrying:
		l.enter("retry", e.At)
	case event.Deferred:
		l.enter("paused", e.At)
	case event.Parked:
		l.enter("parked", e.At)
	case event.Conflicted:
		l.Conflict = e.Resolution
		t.total.Conflicts++
	case event.Settled:
		l.leave(e.At)
		l.Outcome = e.Outcome
		switch {
		case e.Outcome == optimist.RolledBack:
			t.total.Undone++
		case l.Calls == 0 && e.Outcome != optimist.Cancelled:
			t.total.Saved++
		}
		if e.Outcome == optimist.Superseded && l.Calls == 0 {
			t.replaced(l, e.Successor)
		}
	}
}

// burst returns the life that goes on with a new operation; nil: its own begins. Two taps that
// undo each other end at once.
func (t *timeline) burst(e optimist.Event) *life {
	for _, l := range t.lives {
		if l.next == e.ID {
			return l
		}
		if n := len(l.Spans); n > 0 && l.Outcome == optimist.Confirmed && l.Calls == 0 && l.Taps > 1 &&
			l.Type == e.Type && l.Entity == e.Entity && e.At.Sub(l.Spans[n-1].To) < time.Second {
			return l
		}
	}
	return nil
}

// replaced makes one life of an operation and its successor, in the place of the first.
func (t *timeline) replaced(l *life, successor string) {
	next := t.find(successor)
	if next == nil {
		l.next = successor
		return
	}
	l.ID, l.Type, l.Off, l.Taps = next.ID, next.Type, next.Off, l.Taps+next.Taps
	l.Calls, l.Conflict, l.Outcome = next.Calls, next.Conflict, next.Outcome
	l.Spans = append(l.Spans, next.Spans...)
	t.lives = slices.DeleteFunc(t.lives, func(other *life) bool { return other == next })
}

func takesOff(args any) bool {
	switch a := args.(type) {
	case optimist.Switched:
		return !a.On
	case *optimist.Switched:
		return !a.On
	}
	return false
}

func (t *timeline) find(id string) *life {
	for _, l := range t.lives {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// forget bounds the number of lives: it removes ended lives first, the oldest before the
// others.
func (t *timeline) forget() {
	if len(t.lives) <= timelineRows {
		return
	}
	gone := 0
	for i, l := range t.lives {
		if l.Outcome != 0 {
			gone = i
			break
		}
	}
	t.lives = append(t.lives[:gone:gone], t.lives[gone+1:]...)
}

// moving reports whether the picture changes with time alone.
func (t *timeline) moving(now time.Time) bool {
	for _, l := range t.lives {
		if l.Outcome == 0 && l.kind() != "parked" {
			return true
		}
	}
	return now.Sub(t.last) < time.Second
}

// window returns the shown stretch of time. It stands still while no operation is alive.
func (t *timeline) window(now time.Time) (from, to time.Time) {
	to = now
	if !t.moving(now) {
		to = t.last.Add(time.Second)
	}
	return to.Add(-timelineSpan), to
}

func (l *life) enter(kind string, at time.Time) {
	l.leave(at)
	l.Spans = append(l.Spans, span{Kind: kind, From: at})
	if len(l.Spans) > 64 {
		l.Spans = l.Spans[1:]
	}
}

func (l *life) leave(at time.Time) {
	if n := len(l.Spans); n > 0 && l.Spans[n-1].To.IsZero() {
		l.Spans[n-1].To = at
	}
}

func (l *life) kind() string {
	if n := len(l.Spans); n > 0 {
		return l.Spans[n-1].Kind
	}
	return "wait"
}

// endedBefore reports whether nothing of the life is in a window from that moment on.
func (l *life) endedBefore(from time.Time) bool {
	n := len(l.Spans)
	return l.Outcome != 0 && n > 0 && l.Spans[n-1].To.Before(from)
}
