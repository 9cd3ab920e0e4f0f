// Package reread decides which entity is read anew, and when: those of which the engine is
// unsure, those that somebody asked for, and those whose last operation has ended.
//
// # Guarantees
//
//   - No entity is read twice at a time, and at most four are read at once.
//   - A read that did not suffice is made again after a pause that grows, as often as the
//     policy of retries allows.
//   - An end that a read may have missed is looked at by another read, and so is a change for
//     which somebody asked again while it was under way.
//
// # Not guaranteed
//
// A [Schedule] reads nothing, and has no lock, goroutine or timer: its caller reads and tells
// how that went. It is not safe for concurrent use.
package reread

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// SettledPause is how long an entity has to be without operations before it is read on account
// of that, so that settlements close together are one read.
const SettledPause = engine.Time(1e8) // a tenth of a second

const (
	maxAtOnce = 4
	maxTries  = 10 // of a policy that never gives up
)

// Schedule holds the entities that are to be read. The caller keeps each of them alive from
// when Ask or AskSettled has added it until Take or Finish drops it.
type Schedule struct {
	policy  engine.Retry
	asked   map[*engine.Entity]*read // those of the next two
	waiting []*read                  // that nobody reads at the moment
	reading []*read
	readers int  // that were hired; each quits when nothing is due
	shut    bool // nothing was to be read when Hire was called last
}

// read is one entity that is to be read.
type read struct {
	ent   *engine.Entity
	again bool // it was asked for without doubt: it is read until that succeeds
	tries int
	due   engine.Time
	// settled: it is to be read because its last operation has ended, and for no other reason.
	settled bool
	// missed: this was said while it was being read, which may have missed that end.
	missed bool
	// anew: it was asked for again while it was being read, which may have been too early.
	anew bool
}

// New returns an empty schedule.
func New(policy engine.Retry) *Schedule {
	return &Schedule{policy: policy, asked: make(map[*engine.Entity]*read)}
}

// Ask asks for an entity to be read, from the start if it waits for another try. again: also
// after a read that failed, although the entity is not unsure. added says that it was not
// asked for already.
func (s *Schedule) Ask(ent *engine.Entity, again bool) (added bool) {
	if r := s.asked[ent]; r != nil {
		r.tries, r.due, r.again, r.settled = 0, 0, r.again || again, false
		r.anew = r.anew || again && slices.Contains(s.reading, r)
		return false
	}
	s.add(&read{ent: ent, again: again})
	return true
}

// AskSettled asks for an entity to be read whose last operation has ended.
func (s *Schedule) AskSettled(ent *engine.Entity, now engine.Time) (added bool) {
	r := s.asked[ent]
	switch {
	case r == nil:
		s.add(&read{ent: ent, settled: true, due: now + SettledPause})
		return true
	case slices.Contains(s.reading, r):
		r.missed = true
	case r.settled: // a pause after a read that failed goes on
		r.tries, r.due = 0, max(r.due, now+SettledPause)
	}
	return false
}

func (s *Schedule) add(r *read) {
	s.asked[r.ent] = r
	s.waiting = append(s.waiting, r)
}

// Hire is how many readers more are needed now, who count as hired until they quit. While nothing
// is to be read (open is false) there are none; afterwards all pauses are over, because somebody
// answers again.
func (s *Schedule) Hire(now engine.Time, open bool) (more int) {
	was := s.shut
	if s.shut = !open; s.shut {
		return 0
	}
	busy := len(s.reading)
	for _, r := range s.waiting {
		if was {
			r.tries, r.due = 0, 0
		}
		if busy < maxAtOnce && r.due <= now {
			busy++
		}
	}
	more = max(busy-s.readers, 0)
	s.readers += more
	return more
}

// Quit counts out a reader for whom Take had nothing.
func (s *Schedule) Quit() { s.readers-- }

// Reading is an entity that is being read, or nil.
func (s *Schedule) Reading() *engine.Entity {
	if len(s.reading) == 0 {
		return nil
	}
	return s.reading[0].ent
}

// Due is when the next entity is to be read that is not due yet, or engine.Never.
func (s *Schedule) Due(now engine.Time) engine.Time {
	due := engine.Never
	if s.shut {
		return due
	}
	for _, r := range s.waiting {
		if r.due > now {
			due = min(due, r.due)
		}
	}
	return due
}

// Take takes the first entity that is due, or nil. later says of one whose operations had
// ended that it has operations again, whose end will be told; such entities are dropped.
func (s *Schedule) Take(now engine.Time, later func(*engine.Entity) bool) (ent *engine.Entity, dropped []*engine.Entity) {
	for i := 0; i < len(s.waiting); {
		r := s.waiting[i]
		if r.due > now {
			i++
			continue
		}
		s.waiting = slices.Delete(s.waiting, i, i+1)
		if r.settled && later(r.ent) {
			delete(s.asked, r.ent)
			dropped = append(dropped, r.ent)
			continue
		}
		s.reading = append(s.reading, r)
		return r.ent, dropped
	}
	return nil, dropped
}

// Land notes that a read is over, before its value is taken: that cannot have been too early for
// itself.
func (s *Schedule) Land(ent *engine.Entity) {
	for i, r := range s.reading {
		if r.ent == ent {
			s.reading = slices.Delete(s.reading, i, i+1) // it is there once
			return
		}
	}
}

// Finish ends a read. failed says that it found out nothing, or only values that were too old
// to be taken; after, for how long the server asked to be left alone, if it did; over, that
// nothing is read any more. It reports whether the entity is to be read again, and else drops
// it. later is that of Take.
func (s *Schedule) Finish(ent *engine.Entity, now engine.Time, failed bool, after engine.Time, over bool, random uint64, later func(*engine.Entity) bool) (kept bool) {
	r := s.asked[ent]
	s.Land(ent)
	missed, anew := r.missed, r.anew
	r.missed, r.anew = false, false
	most := s.policy.Max + 1
	if s.policy.Max < 0 {
		most = maxTries
	}
	r.tries++
	switch {
	case over:
	case anew:
		r.tries, r.due, r.missed = 0, now, missed
		s.waiting = append(s.waiting, r)
		return true
	case (ent.Unsure() || failed && (r.again || r.settled && !missed && !later(ent))) && r.tries < most:
		r.due = now + min(s.policy.Delay(r.tries, after, random), engine.Never-now)
		s.waiting = append(s.waiting, r)
		return true
	case missed && !later(ent):
		r.tries, r.due, r.settled, r.again = 0, now+SettledPause, true, false
		s.waiting = append(s.waiting, r)
		return true
	}
	delete(s.asked, ent)
	return false
}
