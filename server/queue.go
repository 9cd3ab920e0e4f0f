package server

import (
	"context"
	"time"
)

// Bounds of the queue of a decision.
const (
	// longestGroup is how many operations are carried out in one transaction.
	longestGroup = 32
	// longestQueue is how many operations wait; more make their callers wait.
	longestQueue = 1024
	// turnsAtOnce is how many groups follow one another: while one is read and decided,
	// another one is committed.
	turnsAtOnce = 2
	// mostGroups is how many groups are under way at once.
	mostGroups = 2 * turnsAtOnce
	// turn is how long a group keeps the next one waiting. Groups that follow one another
	// are larger and need fewer commits; but one that waits for a lock, or for another
	// process, must not hold up all others.
	turn = 20 * time.Millisecond
)

// queue gathers flights into groups: those that come while groups are under way are the
// next one.
type queue struct {
	kit *Kit
	// attempt carries out a group, and lands it if it returns nil.
	attempt func(ctx context.Context, group []*flight) error
	waiting chan *flight
	// turns holds turnsAtOnce values, less those that belong to groups under way.
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
		if ctx.Err() != nil { // perhaps nobody takes it any more
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

// take carries out the group of those who wait, with f as the first. The caller has the
// turn, and take gives it back.
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

// carryOut lands the group. When it does not go together its members go singly, all at
// once, so that one of them that waits does not hold up the others.
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
			q.kit.flights.land(f, Outcome{}, errClosed())
		}
	}
}

// drain lands those that were never begun.
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
