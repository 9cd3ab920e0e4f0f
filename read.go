package optimist

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/internal/foreign"
)

// readFunc is StoreOptions.Read of any type. It is called without any lock, must return
// when ctx ends, and does not run after Close.
type readFunc func(ctx context.Context, id string) (engine.Truth, error)

// settledPause is how long an entity has to be without operations before it is read on account
// of that, so that settlements close together are one read.
const settledPause = 100 * time.Millisecond

const (
	maxReaders   = 4
	maxReadTries = 10
)

// reader reads entities anew. The Manager's lock guards it.
type reader struct {
	m       *Manager
	asked   map[*engine.Entity]*rereading // those of the next two
	waiting []*rereading                  // that nobody reads at the moment
	reading []*rereading
	workers int           // goroutines; each ends when nothing may be read any more
	paused  bool          // sending was paused when it was looked at last
	wake    chan struct{} // capacity 1: something is due sooner than one who waits may know
	ctx     context.Context
	halt    context.CancelFunc // ends ctx, and with it every read
}

// rereading is one entity that is to be read.
type rereading struct {
	ent   *engine.Entity // held
	id    string         // the server's
	read  readFunc
	again bool // it was asked for without doubt: it is read until that succeeds
	tries int
	due   time.Time
	// settled: it is to be read because its last operation has ended, and for no other reason.
	settled bool
	// missed: this was said while it was being read, which may have missed that end.
	missed bool
}

// readsLocked makes the reader, once a store has StoreOptions.Read.
func (m *Manager) readsLocked() {
	if m.reader == nil {
		m.reader = &reader{m: m, asked: make(map[*engine.Entity]*rereading), wake: make(chan struct{}, 1)}
		m.reader.ctx, m.reader.halt = context.WithCancel(context.Background())
	}
}

// askLocked asks for an entity to be read, from the start if it waits for another try.
// again: also after a read that failed, although the entity is not unsure.
func (r *reader) askLocked(ent *engine.Entity, read readFunc, again bool) {
	ent = r.m.engine.Pin(ent.Space(), ent.ID()) // another record, if nothing else was held of it
	if one := r.asked[ent]; one != nil {
		one.tries, one.due, one.again, one.settled = 0, time.Time{}, one.again || again, false
		r.m.engine.Unpin(ent)
		return
	}
	one := &rereading{ent: ent, id: ent.Space().ServerName(ent.ID()), read: read, again: again}
	r.asked[ent] = one
	r.waiting = append(r.waiting, one)
}

// askSettledLocked asks for an entity to be read whose last operation has ended.
func (r *reader) askSettledLocked(ent *engine.Entity, read readFunc, now time.Time) {
	ent = r.m.engine.Pin(ent.Space(), ent.ID())
	if one := r.asked[ent]; one != nil {
		switch {
		case slices.Contains(r.reading, one):
			one.missed = true
		case one.settled:
			one.due = now.Add(settledPause)
		}
		r.m.engine.Unpin(ent)
		return
	}
	one := &rereading{ent: ent, id: ent.Space().ServerName(ent.ID()), read: read, due: now.Add(settledPause), settled: true}
	r.asked[ent] = one
	r.waiting = append(r.waiting, one)
}

// moveLocked starts as many workers as have something to do, after each step.
func (r *reader) moveLocked(now time.Time) {
	if r.m.haltedLocked() || !r.m.engine.Sending() {
		r.paused = true
		return
	}
	if r.paused {
		r.paused = false
		for _, one := range r.waiting {
			one.tries, one.due = 0, time.Time{}
		}
	}
	for r.workers < min(len(r.waiting)+len(r.reading), maxReaders) {
		r.workers++
		r.m.courier.Hire()
		go r.work()
	}
	if len(r.waiting) > 0 && !r.soonestLocked().After(now) {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// stuckLocked names a read that goes on although Close has ended it.
func (r *reader) stuckLocked() error {
	if len(r.reading) == 0 {
		return nil
	}
	return errorf.New("%w: the read of %s did not heed its context", ErrStuck, fullName(r.reading[0].ent))
}

// work reads the entities that are due, and ends when nothing may be read any more.
func (r *reader) work() {
	var one *rereading // under way
	t, err := engine.Truth{}, error(nil)
	foreign.Loop(func() (more bool) {
		if one != nil { // it was read, or the program's function ended the goroutine
			done := one
			one = nil
			r.finish(done, t, err)
			return true
		}
		one, more = r.next()
		if one != nil {
			t, err = engine.Truth{}, &PanicError{In: "read", Value: foreign.ErrEnded}
			t, err = r.read(one)
		}
		return more
	})
}

// next is the entity to read now, or nil after a wait. A worker for which there is no more
// has ended.
func (r *reader) next() (one *rereading, more bool) {
	m := r.m
	m.mu.Lock()
	if len(r.waiting) == 0 || m.haltedLocked() || !m.engine.Sending() {
		r.workers--
		m.courier.Quit()
		m.mu.Unlock()
		return nil, false
	}
	if one = r.takeLocked(time.Now()); one != nil {
		m.mu.Unlock()
		return one, true
	}
	if len(r.waiting) == 0 {
		m.mu.Unlock()
		return nil, true
	}
	wait := time.NewTimer(time.Until(r.soonestLocked()))
	defer wait.Stop()
	m.mu.Unlock()
	select {
	case <-wait.C:
	case <-r.wake:
	case <-r.ctx.Done():
	}
	return nil, true
}

// finish takes the value that was read.
func (r *reader) finish(one *rereading, t engine.Truth, err error) {
	r.m.mu.Lock()
	r.finishLocked(one, t, err)
	r.m.unlock()
}

// takeLocked takes the first entity that is due.
func (r *reader) takeLocked(now time.Time) *rereading {
	for i := 0; i < len(r.waiting); {
		one := r.waiting[i]
		if one.due.After(now) {
			i++
			continue
		}
		r.waiting = slices.Delete(r.waiting, i, i+1)
		if one.settled && r.m.engine.RereadLater(one.ent) {
			delete(r.asked, one.ent)
			r.m.engine.Unpin(one.ent)
			continue
		}
		r.reading = append(r.reading, one)
		return one
	}
	return nil
}

func (r *reader) soonestLocked() time.Time {
	soonest := r.waiting[0].due
	for _, one := range r.waiting[1:] {
		if one.due.Before(soonest) {
			soonest = one.due
		}
	}
	return soonest
}

// read calls the program.
func (r *reader) read(one *rereading) (t engine.Truth, err error) {
	ctx, stop := r.ctx, context.CancelFunc(func() {})
	if limit := r.m.opts.Policy.Retry.Timeout; limit > 0 {
		ctx, stop = context.WithTimeout(ctx, limit)
	}
	defer stop()
	began := time.Now()
	told := Event{Entity: fullName(one.ent)}
	if p := r.m.contained(told, "read", func() {
		t, err = one.read(ctx, one.id)
		err = sound("read", err)
	}); p != nil {
		err = p
	}
	if t.ReadAt == 0 {
		t.ReadAt = r.m.readAt(began)
	}
	return t, err
}

// finishLocked takes the value read, and has it read again later if that does not suffice.
func (r *reader) finishLocked(one *rereading, t engine.Truth, err error) {
	m := r.m
	missed := one.missed
	one.missed = false
	r.reading = slices.DeleteFunc(r.reading, func(other *rereading) bool { return other == one })
	now := time.Now()
	old := false
	if m.stoppedLocked() == nil {
		if err != nil {
			t = engine.Truth{} // nothing was found out
		}
		m.receive.Reread = true
		old = m.receiveLocked(one.ent.Space(), one.ent.ID(), t, now)
	}
	policy := m.opts.Policy.Retry.engine()
	most := policy.Max + 1
	if policy.Max < 0 {
		most = maxReadTries
	}
	one.tries++
	if (one.ent.Unsure() || one.again && (err != nil || old)) && one.tries < most && !m.haltedLocked() {
		one.due = now.Add(time.Duration(policy.Delay(one.tries, 0, rand.Uint64())))
		r.waiting = append(r.waiting, one)
		return
	}
	if missed && !m.haltedLocked() && !m.engine.RereadLater(one.ent) {
		one.tries, one.due, one.settled, one.again = 0, now.Add(settledPause), true, false
		r.waiting = append(r.waiting, one)
		return
	}
	if one.ent.Unsure() && err != nil {
		m.publishLocked(Event{Kind: TruthUnsure, Entity: fullName(one.ent), Err: err})
	}
	delete(r.asked, one.ent)
	m.engine.Unpin(one.ent)
}
