package optimist

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// reply is how the server treats one call. The zero reply does what was asked and
// tells how the page stands now.
type reply struct {
	before time.Duration // until the call arrives
	after  time.Duration // until its answer does
	fails  error         // it does nothing; beside a conflict it tells its truth
	lost   bool          // it does what was asked, and nobody hears of it
	breaks error         // it does what was asked, and the client hears this instead
	terse  bool          // it tells the version, not the page
	mute   bool          // it tells nothing but "done"
	deaf   bool          // the client does not heed its context
}

// call is one call that arrived.
type call struct {
	What, Entity, Key string
	Lane              string
	Attempt           int
	At                time.Duration // since the world began
}

// server is the other side. It keeps its promise about keys: one key, one effect.
type server struct {
	mu       sync.Mutex
	began    time.Time
	pages    map[string]page
	versions map[string]uint64
	stamps   map[string]Timestamp
	authors  map[string]string
	script   map[string][]reply // by entity; "" is for any
	always   *reply
	calls    []call
	applied  map[string]string // what was done under a key
	problems []string
	underway map[string]int // calls, by lane
	most     int            // calls under way at once
}

// asks is what the server needs to know about a call.
type asks struct {
	what, entity, key, client string
	lane                      string // a page and its screen are two
	attempt                   int
	at                        Timestamp
	act                       func(p page, there bool) (page, bool)
}

func (s *server) serve(ctx context.Context, a asks) (Truth[page], error) {
	r := s.begin(a)
	defer s.end(a)
	if err := sleep(ctx, r.before, r.deaf); err != nil {
		return Truth[page]{}, err
	}
	if r.fails != nil {
		var t Truth[page]
		if classify(ctx, r.fails).class == Conflicting {
			t = s.truth(a.entity)
		}
		return t, r.fails
	}
	t := s.do(a)
	if r.lost {
		<-ctx.Done()
		return Truth[page]{}, ctx.Err()
	}
	if err := sleep(ctx, r.after, r.deaf); err != nil {
		return Truth[page]{}, err
	}
	switch {
	case r.breaks != nil:
		return Truth[page]{}, r.breaks
	case r.mute:
		return Truth[page]{}, nil
	case r.terse:
		return AcceptedAt[page](t.Version), nil
	}
	return t, nil
}

func (s *server) begin(a asks) (r reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call{a.what, a.entity, a.key, a.lane, a.attempt, time.Since(s.began)})
	if s.underway[a.lane]++; s.underway[a.lane] > 1 {
		s.problems = append(s.problems, "two calls at once for "+a.lane)
	}
	n := 0
	for _, k := range s.underway {
		n += k
	}
	s.most = max(s.most, n)
	for _, entity := range []string{a.entity, ""} {
		if next := s.script[entity]; len(next) > 0 {
			s.script[entity] = next[1:]
			return next[0]
		}
	}
	if s.always != nil {
		return *s.always
	}
	return r
}

func (s *server) end(a asks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.underway[a.lane]--; s.underway[a.lane] == 0 {
		delete(s.underway, a.lane)
	}
}

// do has one effect per key.
func (s *server) do(a asks) Truth[page] {
	s.mu.Lock()
	defer s.mu.Unlock()
	what := a.what + " of " + a.entity
	if before, ok := s.applied[a.key]; ok && a.key != "" {
		if before != what {
			s.problems = append(s.problems, fmt.Sprintf("key %s: %s, and before %s", a.key, what, before))
		}
		return s.truthLocked(a.entity)
	}
	s.applied[a.key] = what
	p, there := s.pages[a.entity]
	next, stays := a.act(p, there)
	if next != p || stays != there {
		s.putLocked(a.entity, next, stays, a.at, a.client)
	}
	return s.truthLocked(a.entity)
}

func (s *server) putLocked(entity string, p page, there bool, at Timestamp, by string) {
	if s.pages[entity] = p; !there {
		delete(s.pages, entity)
	}
	s.versions[entity]++
	s.stamps[entity], s.authors[entity] = at, by
}

// put is somebody else's change.
func (s *server) put(entity string, p page) Truth[page] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(entity, p, true, TimestampOf(time.Now()), "somebody else")
	return s.truthLocked(entity)
}

func (s *server) remove(entity string) Truth[page] {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(entity, page{}, false, TimestampOf(time.Now()), "somebody else")
	return s.truthLocked(entity)
}

func (s *server) truth(entity string) Truth[page] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.truthLocked(entity)
}

func (s *server) truthLocked(entity string) Truth[page] {
	t := Gone[page](s.versions[entity])
	if p, there := s.pages[entity]; there {
		t = TruthOf(p, s.versions[entity])
	}
	t.At, t.By = s.stamps[entity], s.authors[entity]
	return t
}

// next scripts the next calls for an entity, or for any.
func (s *server) next(entity string, replies ...reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[entity] = append(s.script[entity], replies...)
}

// alwaysReply is for all calls without script; nil: the zero reply.
func (s *server) alwaysReply(r *reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = r
}

// heard lists what arrived, and forgets it: by instant, then by lane, since calls
// of different ones that leave at one instant arrive in any order.
func (s *server) heard() []string {
	var all []string
	for _, c := range s.heardCalls() {
		all = append(all, c.What+" of "+c.Entity)
	}
	return all
}

func (s *server) heardCalls() []call {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	slices.SortStableFunc(calls, func(a, b call) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Lane, b.Lane))
	})
	return calls
}

// callCount is how many have arrived since they were last listed.
func (s *server) callCount() int {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// mostAtOnce is how many calls there were under way at once, at most.
func (s *server) mostAtOnce() int {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func sleep(ctx context.Context, d time.Duration, deaf bool) error {
	switch {
	case d <= 0:
		return nil
	case deaf:
		time.Sleep(d)
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
