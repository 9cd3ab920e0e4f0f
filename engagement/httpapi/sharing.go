package httpapi

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/engagement"
)

const (
	// restAfterTelling is the least time between two tellings, and restAfterFailure after
	// one that has failed.
	restAfterTelling = 50 * time.Millisecond
	restAfterFailure = time.Second

	// tellingTimeout is how long one may take.
	tellingTimeout = 2 * time.Second

	// mostTold is how many buckets of a limiter are told at once.
	mostTold = 1000
)

// ShareLimits has the limits of Options.Rate and Burst hold for all servers together that
// share the allowances, until ctx ends. No request waits for it: what was let through here
// is told behind, 20 times a second at most, and what others have let through is charged
// to the buckets here. While nobody can be told each server limits by itself. It is to be
// called once at a time.
func (a *API) ShareLimits(ctx context.Context, allowances engagement.Allowances) {
	a.share(ctx, allowances)
}

func (r *rates) share(ctx context.Context, allowances engagement.Allowances) {
	limiters := r.all()
	wake := make(chan struct{}, 1)
	for _, l := range limiters {
		l.share(wake)
		defer l.share(nil)
	}
	for {
		select {
		case <-wake:
		case <-ctx.Done():
			return
		}
		rest := restAfterTelling
		if exchange(ctx, allowances, limiters) != nil { // others say that the database is gone
			rest = restAfterFailure
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return
		}
	}
}

// told is a bucket that is being told of.
type told struct {
	limiter *limiter
	key     string
	telling
}

// exchange tells what is due, and charges what others have told.
func exchange(ctx context.Context, allowances engagement.Allowances, limiters []*limiter) error {
	var all []told
	for _, l := range limiters {
		all = append(all, l.tell()...)
	}
	if len(all) == 0 {
		return nil
	}
	spent := make([]engagement.Spending, len(all))
	for i, t := range all {
		spent[i] = engagement.Spending{Allowance: t.limiter.name + " " + t.key, Cost: t.limiter.cost(t.tokens), Alone: t.whole.Sub(t.sent)}
	}
	ctx, cancel := context.WithTimeout(ctx, tellingTimeout)
	defer cancel()
	missing, err := allowances.Spend(ctx, spent)
	for i, t := range all {
		if err != nil {
			t.limiter.unheard(t)
			continue
		}
		t.limiter.heard(t, missing[i])
	}
	return err
}

// share has buckets told from now on, and wake hear of it when one is due; nil: nobody is
// to be told.
func (l *limiter) share(wake chan<- struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake, l.dueKeys = wake, nil
	if wake != nil {
		l.dueKeys = make(map[string]bool)
	}
}

// tell takes what is untold from buckets that are due.
func (l *limiter) tell() (all []told) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.dueKeys {
		if len(all) == mostTold {
			l.wakeLocked()
			break
		}
		b, t := l.limit.tell(l.buckets[key], now)
		l.buckets[key] = b
		delete(l.dueKeys, key)
		all = append(all, told{l, key, t})
	}
	return all
}

// heard and unheard change the bucket after an answer and without one, if it is still there.
func (l *limiter) heard(t told, missing time.Duration) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.buckets[t.key]; ok {
		l.keepLocked(t.key, l.limit.heard(b, t.telling, missing, now))
	}
}

func (l *limiter) unheard(t told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.buckets[t.key]; ok {
		l.keepLocked(t.key, l.limit.unheard(b, t.telling))
	}
}
