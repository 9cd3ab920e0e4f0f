package server

import (
	"context"
	"time"
)

// Bounds of the queue of a decision.
const (
	// longestGroup is the greatest number of operations in one transaction.
	longestGroup = 32
	// longestQueue is the greatest number of operations in the queue; add blocks while it
	// is full.
	longestQueue = 1024
	// turnsAtOnce is the number of groups under way that follow one another closely: while
	// one group is read and decided, another one is committed.
	turnsAtOnce = 2
	// mostGroups is the greatest number of groups under way at once.
	mostGroups = 2 * turnsAtOnce
	// turn is the longest time for which a group keeps the next one waiting. A group that
	// starts later is larger, so fewer commits are needed; but a group that waits for a
	// lock or for another process must not hold up all others.
	turn = 20 * time.Millisecond
)

// queue gathers flights into groups: flights that arrive while groups are under way
// form the next group.
type queue struct {
	kit *Kit
	// attempt carries out a group and lands it when it returns nil.
	attempt func(ctx context.Context, group []*flight) error
	waiting chan *flight
	// turns holds one value for each turn that is free, of turnsAtOnce.
	turns chan struct{}
}

func newQueue(k *Kit, attempt func(context.Context, []*flight) error) *queue {
	q := &queue{kit: k, attempt: attempt, waiting: make(chan *flight, longestQueue), turns: make(chan struct{}, turnsAtOnce)}
	for range turnsAtOnce {
		q.turns <- struct{}{}
	}
	return q
}

// add hands the flight on to the next group.
func (q *queue) add(ctx context.Context, f *flight) {
	select {
	case q.waiting <- f:
		if ctx.Err() != nil { // the queue may have been drained already
			q.drain()
		}
	case <-f.ctx.Done():
		q.kit.flights.land(f, Outcome{}, f.ctx.Err())
	case <-ctx.Done():
		q.kit.flights.land(f, Outcome{}, errClosed())
	}
}

// run carries out groups until the Kit is closed.
func (q *queue) run(ctx context.Context) {
	defer q.drain()
	for {
		select {
		case <-q.turns:
		case <-ctx.Done():
			return
		}
		select {
		case f := <-q.waiting:
			q.take(ctx, f)
		case <-ctx.Done():
			q.turns <- struct{}{}
			return
		}
	}
}

// take carries out a group of f and the flights that wait. The caller has taken a turn
// from turns, and take gives it back.
func (q *queue) take(ctx context.Context, f *flight) {
	group := q.gather(f)
	over := time.AfterFunc(turn, func() { q.turns <- struct{}{} })
	defer func() {
		if over.Stop() {
			q.turns <- struct{}{}
		}
	}()
	q.carryOut(ctx, group)
}

func (q *queue) gather(f *flight) []*flight {
	var group []*flight
	for {
		if err := f.ctx.Err(); err != nil {
			q.kit.flights.land(f, Outcome{}, err)
		} else {
			group = append(group, f)
		}
		if len(group) == longestGroup {
			return group
		}
		select {
		case f = <-q.waiting:
		default:
			return group
		}
	}
}

// carryOut lands all flights of the group. When the transaction of the group fails,
// each flight gets a transaction of its own, all at once, so that a flight that waits
// does not hold up the others.
func (q *queue) carryOut(ctx context.Context, group []*flight) {
	if len(group) == 0 {
		return
	}
	err := limited(ctx, func(ctx context.Context) error { return q.attempt(ctx, group) })
	switch {
	case err == nil:
		return
	case isNotBegun(err) && isGone(err):
		for _, f := range group {
			q.kit.flights.land(f, Outcome{}, err)
		}
		return
	}
	unknown := isGone(err) // it was begun
	for _, f := range group {
		single := func(ctx context.Context) {
			q.kit.repeat(ctx, f, unknown, func(ctx context.Context) error { return q.attempt(ctx, []*flight{f}) })
		}
		if !q.kit.work.do(single) {
			q.kit.flights.land(f, Outcome{}, final(errClosed(), unknown))
		}
	}
}

// drain lands the flights that were never begun.
func (q *queue) drain() {
	for {
		select {
		case f := <-q.waiting:
			q.kit.flights.land(f, Outcome{}, errClosed())
		default:
			return
		}
	}
}
