package sim

import (
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/reason"
)

// openCall is a call of which a client waits for the answer.
type openCall struct {
	r       request
	answers chan answer
}

// opens notes that a client waits for an answer, and returns the function that ends the wait. The caller
// has the lock, also of that function.
func (w *World) opens(r request, answers chan answer) func() {
	w.open[r.id] = openCall{r, answers}
	return func() {
		if w.open[r.id].answers == answers {
			delete(w.open, r.id)
		}
	}
}

// answerNow has the server take a call that is under way, and its client hear the answer, in this instant.
// It is false if there is no such call.
func (w *World) answerNow(l *life, id string) bool {
	w.mu.Lock()
	call, ok := w.open[id]
	if ok = ok && call.r.client == l.c; ok {
		w.connects(l.c)
		if _, before := w.sent[id]; !before { // it met no network
			w.sent[id] = sent{at: w.now(), req: call.r}
		}
	}
	w.mu.Unlock()
	if !ok {
		return false
	}
	call.r.hitch = hitch{}
	w.arrive(call.r, call.answers, nil)
	synctest.Wait()
	return true
}

// connects ends a cut from the network. The caller has the lock.
func (w *World) connects(c *Client) {
	c.cuts++
	c.cut = false
}

// asksWhy takes the reason of one unsettled operation away: then the operation has left, has ended, or names
// another reason.
func (l *life) asksWhy(n int) {
	w := l.c.w
	synctest.Wait()
	all := l.m.Operations()
	for _, h := range all {
		if s := h.Snapshot(); s.Reason.Kind == reason.None || s.Reason.String() == "" {
			w.failed("%s: %s is %v, and waits for nothing: %v", l.c, w.name(h.ID()), s.State, s.Reason)
		}
	}
	if len(all) == 0 {
		return
	}
	h := all[n%len(all)]
	was := h.Snapshot()
	w.mu.Lock()
	w.trace("%s: %s is %v: %v", l.c, w.name(was.ID), was.State, was.Reason)
	w.mu.Unlock()
	moved := func() bool {
		synctest.Wait()
		is := h.Snapshot()
		is.Reason.Due, was.Reason.Due = 0, 0
		return is.State != was.State || is.Calls != was.Calls || is.Reason != was.Reason
	}
	removed := l.takesAway(h, was.Reason, n, moved)
	stays := !moved()
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.look(); l.dead || !removed {
		return
	}
	w.stats.Reasons[was.Reason.Kind]++
	if stays {
		w.fail("%s: %s still waits, though nothing keeps it: %v", l.c, w.name(was.ID), was.Reason)
	}
}

// takesAway lets happen what an operation waits for. It is false if that cannot be brought about here.
func (l *life) takesAway(h *optimist.Handle, r reason.Reason, n int, moved func() bool) bool {
	w, c := l.c.w, l.c
	pass := func(d time.Duration) bool {
		if d <= 0 || d > time.Minute {
			return false
		}
		w.mu.Lock()
		w.connects(c) // else a call may have failed by then
		w.mu.Unlock()
		time.Sleep(d)
		return true
	}
	switch r.Kind {
	case reason.Disk: // which is tried again after 30 s at the latest
		w.mu.Lock()
		l.refusing = 0
		w.mu.Unlock()
		for range 32 {
			if moved() {
				break
			}
			time.Sleep(time.Second)
		}
	case reason.Decision:
		if r.Operation != "" {
			h, _ = l.m.Operation(r.Operation)
		}
		if n%2 == 0 {
			return h.Discard() == nil
		}
		if h.Retry() != nil {
			return false
		}
		l.decided(h.ID())
	case reason.Creation, reason.Dependency, reason.Lane:
		return l.goesAway(r.Operation)
	case reason.Debounce, reason.Retry:
		if n%3 > 0 && pass(r.Due) {
			return true
		}
		return h.SendNow() == nil
	case reason.Network:
		return l.m.SetOnline(true) == nil
	case reason.Probe:
		if r.Operation != "" {
			return w.answerNow(l, r.Operation)
		}
		return pass(r.Due)
	case reason.Authentication:
		w.mu.Lock()
		c.loggedOutUntil = 0
		w.mu.Unlock()
		l.m.RetryNow()
	case reason.Cap: // others may come first
		for range 200 {
			if moved() {
				break
			}
			w.mu.Lock()
			open := sortedKeys(w.open)
			w.mu.Unlock()
			for _, id := range open {
				w.answerNow(l, id)
			}
		}
	case reason.Answer:
		return w.answerNow(l, h.ID())
	case reason.Truth, reason.Loading:
		l.hearsTruth(r.Entity)
	default:
		return false
	}
	return true
}

// goesAway ends an operation that is in front of another, however it does.
func (l *life) goesAway(id string) bool {
	h, unsettled := l.m.Operation(id)
	switch answered := l.c.w.answerNow(l, id); {
	case answered:
	case !unsettled:
		return false
	case h.State() == optimist.Acked:
		for _, e := range append(h.Snapshot().Entities, h.Entity()) {
			l.hearsTruth(e)
		}
	case h.State() == optimist.Parked:
		h.Discard()
	default:
		h.Cancel()
	}
	synctest.Wait()
	h, unsettled = l.m.Operation(id)
	return !unsettled || h.State() == optimist.Acked // else the server wants it again
}

// hearsTruth has a client read an entity in this instant.
func (l *life) hearsTruth(entity string) {
	w := l.c.w
	w.mu.Lock()
	id := w.canon(entity[len("post:"):])
	t := w.server.posts[id].truth(id)
	w.reads = append(w.reads, read{id, w.now(), w.now(), t})
	w.mu.Unlock()
	w.deliver(l.c, t, "read")
}
