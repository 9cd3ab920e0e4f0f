package engine

import "maps"

// gate says whether anything may be sent at all. While the server answers nobody,
// one operation probes with growing waits and the others wait behind it.
type gate struct {
	shut            bool // operations of an earlier life are still coming
	online          bool // as the program says
	unauthenticated bool // authentication was refused; until RetryNow
	probing         bool
	probe           *Op  // whose attempt is the probe, while it is under way
	until           Time // the next probe leaves no earlier
	probes          int  // probes without an answer in a row
	// silent are the lanes that got no answer since anybody got one. A lane counts
	// once: one that is stuck is no sign that the server answers nobody. A group counts
	// as its first lane.
	silent map[laneName]bool
	// asked says until when the server wants nothing of a lane; nil: of none.
	asked map[laneName]Time
	swept int // entries of asked after the last sweep
}

func (g *gate) open(e *Engine) bool {
	if g.shut || !g.online || g.unauthenticated {
		return false
	}
	return !g.probing || g.probe == nil && e.now >= g.until
}

func (g *gate) sent(o *Op) {
	if g.probing {
		g.probe = o
	}
}

// nextTick is when the next probe may leave, if an operation waits for it.
func (g *gate) nextTick(e *Engine) Time {
	if g.probing && g.probe == nil && g.online && !g.unauthenticated && e.ready.first != nil && g.until > e.now {
		return g.until
	}
	return Never
}

// ask notes how long the server wants nothing of the lanes of an operation. Waits that are
// over are forgotten now and then.
func (g *gate) ask(o *Op, now, until Time) {
	if g.asked == nil {
		g.asked = make(map[laneName]Time)
	}
	if len(g.asked) > 2*g.swept+8 {
		maps.DeleteFunc(g.asked, func(_ laneName, until Time) bool { return until <= now })
		g.swept = len(g.asked)
	}
	o.parts(func(p *part) { g.asked[p.entity.laneName()] = max(g.asked[p.entity.laneName()], until) })
}

// unask ends the wait that the server asked of the lanes of an operation: a person wants it
// now.
func (g *gate) unask(o *Op) {
	if len(g.asked) > 0 {
		o.parts(func(p *part) { delete(g.asked, p.entity.laneName()) })
	}
}

// askedFor is until when the server wants nothing of a lane of the operation.
func (g *gate) askedFor(o *Op) (until Time) {
	o.parts(func(p *part) { until = max(until, g.asked[p.entity.laneName()]) })
	return until
}

// somebodyAnswered notes that the server answered somebody.
func (e *Engine) somebodyAnswered() {
	g := &e.gate
	g.silent = nil
	if g.probing {
		g.probing, g.probe, g.probes = false, nil, 0
		e.retryWaiting(true) // one answer to somebody else is no news about their wishes
	}
}

// listen notes whether the end of an attempt says that somebody is there.
func (e *Engine) listen(in *Answer) {
	g, o := &e.gate, in.Op
	ends := g.landed(o)
	if in.answered() {
		e.somebodyAnswered()
		return
	}
	if o.state != Ended { // else it may have been given up because nobody needs it
		if g.silent == nil {
			g.silent = make(map[laneName]bool)
		}
		g.silent[o.firstLane()] = true
		if !g.probing && (in.Class == Offline || len(g.silent) >= e.cfg.ProbeAfter) {
			g.probing, g.probes = true, 0
			e.emit(Effect{Kind: SendingPaused, Op: o, Err: in.Err})
			ends = true
		}
	}
	if ends {
		e.probed(in.Rand)
	}
}

// probed begins the wait for the next probe, after one without an answer. A wait that the
// server asked for concerns one lane, and not the gate.
func (e *Engine) probed(random uint64) {
	g := &e.gate
	g.probes++
	g.until = e.now.plus(e.cfg.Probe.Delay(g.probes, 0, random))
}

// progressed lets another operation probe while the call of one goes on: a call that
// takes long keeps nobody waiting for its answer.
func (e *Engine) progressed(o *Op) {
	if e.gate.landed(o) {
		e.probed(0)
	}
}

// landed reports whether the call that has ended was the probe.
func (g *gate) landed(o *Op) bool {
	if g.probe != o {
		return false
	}
	g.probe = nil
	return true
}

// turn is the lane whose turn it is, or nil. One operation probes for all: the first of a
// lane that has not failed yet, so that a lane without answers keeps no other waiting, or
// else the first of the lane that has waited the longest.
func (e *Engine) turn() *lane {
	if e.gate.probing {
		for l := e.ready.first; l != nil; l = l.readyNext {
			if !e.gate.silent[l.first.op.firstLane()] {
				return l
			}
		}
	}
	return e.ready.first
}

// firstLane is the lane under which an operation is counted.
func (o *Op) firstLane() laneName { return o.part.entity.laneName() }

// setOnline lets all go when the network comes, also when nobody had said that it was
// gone and one operation probes.
func (e *Engine) setOnline(online bool) {
	g := &e.gate
	was := g.online
	g.online = online
	switch {
	case !online && was:
		e.emit(Effect{Kind: SendingPaused})
	case online && (!was || g.probing):
		g.stopProbing()
		e.retryAll()
	}
}

func (e *Engine) retryNow() {
	if e.gate.unauthenticated || e.gate.probing {
		e.gate.unauthenticated = false
		e.gate.stopProbing()
	}
	e.retryAll()
}

// retryAll ends every wait between attempts, and every wait that the server asked for.
func (e *Engine) retryAll() {
	if e.gate.asked != nil {
		e.gate.asked, e.gate.swept = nil, 0
		for ent := range e.Busy {
			e.wake(ent.lane)
		}
	}
	e.retryWaiting(false)
}

func (g *gate) stopProbing() { g.probing, g.probe, g.probes, g.silent = false, nil, 0, nil }

// retryWaiting ends every wait between attempts; a polite one goes on for as long as
// the server asked for.
func (e *Engine) retryWaiting(polite bool) {
	e.hurry(func(o *Op) Time {
		switch {
		case !o.left:
			return Never
		case polite && o.ext != nil:
			return max(e.now, o.ext.notBefore)
		}
		return e.now
	})
}
