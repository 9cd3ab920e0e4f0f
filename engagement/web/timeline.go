package web

import (
	"time"

	"github.com/optimist-go/optimist"
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

// life is one operation from its tap to its end.
type life struct {
	ID, Type, Entity string
	Spans            []span // the last one goes on until the operation ends
	Off              bool   // it takes a mark off
	Taps             int
	Calls            int
	Conflict         optimist.Resolution
	Outcome          optimist.Outcome // 0 before the end
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
	if l == nil && e.Kind == optimist.OpAccepted {
		l = &life{ID: e.ID, Type: e.Type, Entity: e.Entity, Off: takesOff(e.Args), Taps: 1}
		t.lives = append(t.lives, l)
		t.total.Taps++
		t.forget()
	}
	if l == nil {
		return
	}
	t.last = e.At
	switch e.Kind {
	case optimist.OpAccepted, optimist.OpUnparked:
		l.enter("wait", e.At)
	case optimist.OpJoined:
		l.Taps++
		t.total.Taps++
		t.total.Saved++
	case optimist.OpSent:
		l.enter("flight", e.At)
		t.total.Calls++
		if l.Calls++; l.Calls > 1 {
			t.total.Retries++
		}
	case optimist.OpRetrying:
		l.enter("retry", e.At)
	case optimist.OpDeferred:
		l.enter("paused", e.At)
	case optimist.OpParked:
		l.enter("parked", e.At)
	case optimist.OpConflicted:
		l.Conflict = e.Resolution
		t.total.Conflicts++
	case optimist.OpSettled:
		l.leave(e.At)
		l.Outcome = e.Outcome
		switch {
		case e.Outcome == optimist.RolledBack:
			t.total.Undone++
		case l.Calls == 0 && e.Outcome != optimist.Cancelled:
			t.total.Saved++
		}
	}
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
