package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/optimist-go/optimist"
)

var (
	errDown = errors.New("the network is down")
	errLost = errors.New("the connection broke")
	errDead = errors.New("the process is dead")
)

// hitch is the fault of one call.
type hitch struct {
	there, back time.Duration // of the request and of its answer
	twice       time.Duration // a copy of the request arrives then; 0: none
	loseRequest bool
	loseAnswer  bool
	hang        bool // a loss shows only by silence
	busy        bool
	retryAfter  time.Duration
	lags        bool // the answer tells the state before the write, and the version of the write
	versionOnly bool // the answer tells the version, not the state
	silent      bool // the answer tells nothing
	// A broken call is not classified: the transport returns an error of its own, or
	// panics.
	unclassified, panics bool
	late                 bool // the server is busy after it has done it
	lenient              bool // a removed entity can be removed again
	tells                bool // truth comes beside a refusal
}

// draw returns the hitch of the nth call of a client for an entity, independent of
// all other events.
func (w *World) draw(what string, numbers ...int) *rand.Rand {
	h := uint64(14695981039346656037)
	for i := range len(what) {
		h = (h ^ uint64(what[i])) * 1099511628211
	}
	for _, n := range numbers {
		h = (h ^ uint64(n+1)) * 1099511628211
	}
	return rand.New(rand.NewPCG(w.script.Seed, h))
}

func (w *World) hitchFor(c *Client, entity string) hitch {
	n := c.calls[entity]
	c.calls[entity]++
	r := w.draw("call "+entity, c.number, n)
	if w.calm {
		odd := time.Duration(r.IntN(1_000_000)) // no two calls arrive at one instant
		return hitch{there: 7*time.Millisecond + odd, back: 7*time.Millisecond + odd}
	}
	bad := w.script.Faults
	h := hitch{there: w.latency(r), back: w.latency(r)}
	switch p := r.Float64(); {
	case p < bad.LostRequest:
		h.loseRequest = true
	case p < bad.LostRequest+bad.LostAnswer:
		h.loseAnswer = true
	}
	h.hang = r.IntN(2) == 0
	if r.Float64() < bad.Duplicate {
		h.twice = w.latency(r) + time.Duration(r.IntN(40))*time.Second
	}
	if r.Float64() < bad.Busy {
		h.busy = true
		if r.IntN(2) == 0 {
			h.retryAfter = time.Duration(1+r.IntN(5)) * time.Second
		}
	}
	h.versionOnly = r.Float64() < bad.VersionOnly
	h.silent = r.Float64() < bad.Silent
	h.lags = r.Float64() < bad.Lag
	h.unclassified, h.panics = r.IntN(4) == 0, r.IntN(2) == 0
	h.late = h.busy && r.IntN(3) == 0
	h.lenient, h.tells = r.IntN(2) == 0, r.IntN(2) == 0
	return h
}

// latency is hardly ever the same twice, so that no two things happen at one instant.
func (w *World) latency(r *rand.Rand) time.Duration {
	d := time.Duration(1+r.IntN(400))*time.Millisecond + time.Duration(r.IntN(1_000_000))
	if r.Float64() < w.script.Faults.Slow {
		d += time.Duration(r.IntN(15_000)) * time.Millisecond
	}
	return d
}

// call carries a request to the server and its answer back.
func (w *World) call(ctx context.Context, l *life, r request) (answer, error) {
	w.mu.Lock()
	if l.look(); l.dead {
		w.mu.Unlock()
		return answer{}, optimist.Fail(optimist.Unknown, errDead)
	}
	c := l.c
	h := w.hitchFor(c, r.entity)
	r.hitch, r.client, r.left = h, c, w.now()
	if h.loseRequest {
		w.stats.LostRequests++
	}
	l.leaves(r)
	answers := make(chan answer, 2)
	closes := w.opens(r, answers)
	defer func() {
		w.mu.Lock()
		closes()
		w.mu.Unlock()
	}()
	if c.cut {
		w.stats.CutCalls++
		w.trace("%s %s of %s meets no network", c, w.name(r.id), r.entity)
		w.mu.Unlock()
		if h.hang {
			select {
			case a := <-answers:
				return a, nil
			case <-ctx.Done():
				return answer{}, ctx.Err()
			}
		}
		return answer{}, optimist.Fail(optimist.Offline, errDown)
	}
	w.stats.Calls++
	if _, ok := w.sent[r.id]; !ok {
		w.sent[r.id] = sent{at: w.now(), req: r}
	}
	broken := make(chan struct{})
	if h.loseRequest {
		w.trace("%s sends %s (%s), lost", c, w.name(r.id), r.typ)
	} else {
		w.trace("%s sends %s (%s), there in %v%s", c, w.name(r.id), r.typ, h.there, h.notes())
		time.AfterFunc(h.there, func() { w.arrive(r, answers, broken) })
	}
	if h.twice > 0 {
		w.stats.Duplicates++
		time.AfterFunc(h.twice, func() { w.arrive(r, nil, nil) })
	}
	if h.loseRequest && !h.hang {
		time.AfterFunc(h.there, func() { close(broken) })
	}
	w.mu.Unlock()
	select {
	case a := <-answers:
		return a, nil
	case <-broken:
		switch {
		case h.unclassified && h.panics:
			w.mu.Lock()
			l.hears(r, answer{}, errLost)
			w.mu.Unlock()
			panic(errLost)
		case h.unclassified:
			return answer{}, errLost
		}
		return answer{}, optimist.Fail(optimist.Unknown, errLost)
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

func (h hitch) notes() string {
	out := ""
	if h.twice > 0 {
		out += ", again in " + h.twice.String()
	}
	if h.loseAnswer {
		out += ", answer lost"
	}
	return out
}

// arrive is a request at the server's door. answers is nil when nobody listens.
func (w *World) arrive(r request, answers chan<- answer, broken chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.client.cut {
		return // lost on the way; a waiting caller gets no answer
	}
	a := w.server.inEra(w.server.handle(r))
	if s := (*optimist.SendError)(nil); errors.As(a.err, &s) && (s.Class == optimist.Permanent || s.Class == optimist.Conflicting) {
		w.server.refused[r.id] = w.now()
	}
	w.trace("server takes %s of %s: %s", w.name(r.id), r.client, a)
	switch {
	case answers == nil:
	case r.hitch.loseAnswer:
		w.stats.LostAnswers++
		if !r.hitch.hang {
			time.AfterFunc(r.hitch.back, func() { close(broken) })
		}
	default:
		a.versionOnly, a.silent, a.lags = r.hitch.versionOnly, r.hitch.silent, r.hitch.lags && len(a.before) > 0
		time.AfterFunc(r.hitch.back, func() {
			w.mu.Lock()
			cut := r.client.cut
			w.mu.Unlock()
			if !cut {
				answers <- a
			}
		})
	}
}

func (a answer) String() string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case len(a.truths) == 0:
		return "done"
	}
	return a.truths[0].String()
}

func (t truth) String() string {
	if !t.there {
		return "gone"
	}
	return t.value.String()
}

// push tells all clients of new truth, as well as the network lets it.
func (w *World) push(t truth) {
	for _, c := range w.clients {
		n := c.pushes
		c.pushes++
		r := w.draw("push", c.number, n)
		copies := 1
		if !w.calm {
			switch p := r.Float64(); {
			case p < w.script.Faults.LostPush:
				w.stats.LostPushes++
				copies = 0
			case p < w.script.Faults.LostPush+w.script.Faults.Duplicate:
				copies = 2
			}
		}
		for range copies {
			time.AfterFunc(w.latency(r), w.feed(c, t, n))
		}
	}
}

// deliver gives truth to the present process of the client.
func (w *World) deliver(c *Client, t truth, how string) {
	w.mu.Lock()
	l := c.life
	if l == nil || l.dead || c.cut && how == "push" {
		w.mu.Unlock()
		return
	}
	w.trace("%s gets a %s of %s: v%d %s", c, how, t.entity, t.version, t)
	held := l.unchangedBy(t)
	if t.listed.IsZero() {
		l.reads(t)
	} else if held == nil {
		if l.listed[t.entity] = t.value; t.there {
			l.shows(t.entity)
		}
	}
	w.mu.Unlock()
	if err := l.receives(t); err != nil && !errors.Is(err, optimist.ErrClosed) {
		w.mu.Lock()
		w.fail("%s cannot receive: %v", c, err)
		w.mu.Unlock()
	}
	w.mu.Lock()
	l.look()
	l.meets(t.era)
	l.holds(t.entity)
	if now := l.posts.Truth(t.entity); held != nil && !l.dead && !equalPosts(now.Value, held.Value) {
		w.fail("%s holds of %s: %v, a read of an earlier era has made it of %v", c, t.entity, now.Value, held.Value)
	}
	w.mu.Unlock()
}

// refetch reads all entities, and tries until it has them.
func (w *World) refetch(c *Client) {
	for _, id := range w.ids.made {
		w.fetch(c, id)
	}
	if w.script.Pages {
		w.fetchPage(c, false)
		return
	}
	for _, id := range w.entities {
		w.fetch(c, id)
	}
}

func (w *World) fetch(c *Client, id string) {
	n := c.fetches
	c.fetches++
	r := w.draw("fetch", c.number, n)
	there, back := w.latency(r), w.latency(r)
	lost := !w.calm && r.Float64() < w.script.Faults.LostRequest
	list := !w.calm && r.Float64() < w.script.Faults.Lists
	began, by, asked := w.now(), c.life, c.met
	time.AfterFunc(there, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		t := w.server.posts[id].truth(id)
		if list {
			w.stats.Lists++
			if t.listed = w.began.Add(began); n%2 == 0 && by != nil && t.era == asked {
				t.era = 0 // the client knows
			}
		}
		time.AfterFunc(back, func() {
			w.mu.Lock()
			if lost || c.cut || w.script.Eras && c.life != by { // an old answer that does not name its era
				w.fetch(c, id)
				w.mu.Unlock()
				return
			}
			w.reads = append(w.reads, read{id, began, w.now(), t})
			w.mu.Unlock()
			w.deliver(c, t, "refetch")
		})
	})
}

// truth is t as the client hears it, by its clock.
func (c *Client) truth(t truth) optimist.Truth[Post] {
	out := optimist.TruthOf(t.value, t.version)
	if !t.there {
		out = optimist.Gone[Post](t.version)
	}
	out.Era = t.era
	if !t.listed.IsZero() {
		out.Version, out.ReadAt = 0, t.listed
		return out
	}
	out.At, out.By = c.wall.hear(t.stamp.at), t.stamp.by
	if c.w.script.Faults.Contains {
		out.Contains = t.contains
	}
	return out
}
