package httpapi

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/engagement"
)

const (
	// restAfterTelling is the least time between two reports, and restAfterFailure the least
	// time after a failed one.
	restAfterTelling = 50 * time.Millisecond
	restAfterFailure = time.Second

	// tellingTimeout is the longest time for one report.
	tellingTimeout = 2 * time.Second

	// mostTold is the greatest number of buckets of a limiter in one report.
	mostTold = 1000
)

// ShareLimits makes the limits of Options.Rate and Burst hold for all servers that share
// the allowances together, until ctx ends. No request waits for it: the requests of this
// server are reported afterwards, at most 20 times a second, and the requests at other
// servers are charged to the buckets of this one. While reports fail each server limits by
// itself. ShareLimits must not be called concurrently.
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
		if exchange(ctx, allowances, limiters) != nil { // other code reports that the database is away
			rest = restAfterFailure
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return
		}
	}
}

// told is a bucket whose report is under way.
type told struct {
	limiter *limiter
	key     string
	telling
}

// exchange reports the due buckets, and charges the spending of other servers.
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

// share makes buckets be reported from now on, and signals wake when one is due; nil ends
// the sharing.
func (l *limiter) share(wake chan<- struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake, l.dueKeys = wake, nil
	if wake != nil {
		l.dueKeys = make(map[string]bool)
	}
}

// tell takes the untold tokens from the due buckets.
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
