package optimisttest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
)

// Watcher reads the events of a manager. It belongs to one goroutine.
//
// Expected events are patterns: a field that is zero is not compared, Err is compared
// with errors.Is, the others must be equal.
type Watcher struct {
	// Timeout bounds each wait for an event; 0 means 5 s. In a bubble, choose a time
	// longer than all waits of the program under test.
	Timeout time.Duration

	tb   TB
	sub  *optimist.Subscription
	seen []optimist.Event // since the last expectation was met
}

// Watch subscribes a [Watcher], which ends with the test. The first event is Started.
func Watch(tb TB, m *optimist.Manager, opts optimist.SubscribeOptions) *Watcher {
	w := &Watcher{tb: tb, sub: m.Subscribe(opts)}
	tb.Cleanup(w.sub.Close)
	return w
}

// Expect waits for these events, in this order. Other events may come between.
func (w *Watcher) Expect(want ...optimist.Event) {
	w.tb.Helper()
	for _, pattern := range want {
		for {
			ev, ok := w.next()
			if !ok {
				w.tb.Fatalf("expected %s, and saw%s", describe(pattern), w.saw())
				return
			}
			if matches(pattern, ev) {
				break
			}
		}
		w.seen = nil
	}
}

// ExpectExactly waits for these events, in this order, without other events between.
func (w *Watcher) ExpectExactly(want ...optimist.Event) {
	w.tb.Helper()
	for _, pattern := range want {
		ev, ok := w.next()
		if !ok || !matches(pattern, ev) {
			w.tb.Fatalf("expected exactly %s, and saw%s", describe(pattern), w.saw())
			return
		}
	}
	w.seen = nil
}

// ExpectNone fails the test if events have arrived since the last expectation. In a
// bubble, call synctest.Wait before.
func (w *Watcher) ExpectNone() {
	w.tb.Helper()
	if rest := w.Rest(); len(rest) > 0 {
		w.seen = rest
		w.tb.Errorf("expected no event, and saw%s", w.saw())
		w.seen = nil
	}
}

// Wait returns the next event of a kind, and skips others.
func (w *Watcher) Wait(kind event.Kind) optimist.Event {
	w.tb.Helper()
	for {
		ev, ok := w.next()
		if !ok {
			w.tb.Fatalf("expected %v, and saw%s", kind, w.saw())
			return ev
		}
		if ev.Kind == kind {
			w.seen = nil
			return ev
		}
	}
}

// Rest returns the events that have arrived, without waiting.
func (w *Watcher) Rest() []optimist.Event {
	ended, end := context.WithCancel(context.Background())
	end()
	var rest []optimist.Event
	for {
		ev, ok := w.sub.Next(ended)
		if !ok {
			return rest
		}
		rest = append(rest, ev)
	}
}

func (w *Watcher) next() (optimist.Event, bool) {
	timeout := w.Timeout
	if timeout <= 0 {
		timeout = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ev, ok := w.sub.Next(ctx)
	if ok {
		w.seen = append(w.seen, ev)
	}
	return ev, ok
}

// saw lists the events since the last expectation was met.
func (w *Watcher) saw() string {
	if len(w.seen) == 0 {
		return " nothing"
	}
	var b strings.Builder
	for _, ev := range w.seen {
		b.WriteString("\n\t" + describe(ev))
	}
	return b.String()
}

func matches(pattern, ev optimist.Event) bool {
	p, e := reflect.ValueOf(pattern), reflect.ValueOf(ev)
	for i := range p.NumField() {
		if p.Field(i).IsZero() {
			continue
		}
		if p.Type().Field(i).Name == "Err" {
			if !errors.Is(ev.Err, pattern.Err) {
				return false
			}
			continue
		}
		if !reflect.DeepEqual(p.Field(i).Interface(), e.Field(i).Interface()) {
			return false
		}
	}
	return true
}

// describe names the fields that are set.
func describe(ev optimist.Event) string {
	v := reflect.ValueOf(ev)
	parts := []string{ev.Kind.String()}
	for i := range v.NumField() {
		switch name := v.Type().Field(i).Name; {
		case name == "Kind" || name == "At" || name == "Snapshot" || v.Field(i).IsZero():
		default:
			parts = append(parts, fmt.Sprintf("%s=%v", name, v.Field(i).Interface()))
		}
	}
	return strings.Join(parts, " ")
}
