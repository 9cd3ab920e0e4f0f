package httpapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/engagement"
)

// database is an engagement.Allowances that can go away.
type database struct {
	// mu guards the fields below it.
	mu    sync.Mutex
	kept  kept
	calls int
	most  int // rows of a call
	gone  bool
}

func (d *database) Spend(_ context.Context, spent []engagement.Spending) (missing []time.Duration, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	d.most = max(d.most, len(spent))
	if d.gone {
		return nil, errors.New("the database is gone")
	}
	for _, s := range spent {
		missing = append(missing, d.kept.spend(time.Now(), s))
	}
	return missing, nil
}

// tally tells how often it was asked since the last set, for how many rows at most, and how
// many it keeps.
func (d *database) tally() (calls, most, rows int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls, d.most, len(d.kept)
}

func (d *database) set(gone bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone, d.calls, d.most = gone, 0, 0
}

// twoServers are on one database, in a bubble of their own, until do has returned.
func twoServers(t *testing.T, rate float64, burst int, do func(t *testing.T, db *database, one, other rates)) {
	synctest.Test(t, func(t *testing.T) {
		db := &database{kept: kept{}}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		serve := func() rates {
			r := newRates(rate, burst, time.Now)
			running.Go(func() { r.share(ctx, db) })
			return r
		}
		one, other := serve(), serve()
		synctest.Wait()
		do(t, db, one, other)
		cancel()
		running.Wait()
	})
}

// drain takes from the allowance until there is no more.
func drain(l *limiter, key string) (taken int) {
	for l.take(key) == 0 {
		taken++
	}
	return taken
}

// TestAllRatesAreShared: tokens taken at one server are gone at the other.
func TestAllRatesAreShared(t *testing.T) {
	twoServers(t, 1, 100, func(t *testing.T, _ *database, one, other rates) {
		for _, pair := range [][2]*limiter{
			{one.sessions, other.sessions}, {one.addresses, other.addresses}, {one.strangers, other.strangers}, {one.signIns, other.signIns},
		} {
			here, there := pair[0], pair[1]
			if n := drain(here, "a"); float64(n) < here.burst {
				t.Errorf("%s: let only %d through", here.name, n)
			}
			time.Sleep(2 * restAfterTelling) // of the bubble's time: until all is told
			for range int(there.burst/tellings) + 1 {
				there.take("a") // then it asks
			}
			time.Sleep(2 * restAfterTelling)
			if there.take("a") == 0 {
				t.Errorf("%s: the other server lets through", there.name)
			}
			if there.take("b") != 0 {
				t.Errorf("%s: somebody else has to wait", there.name)
			}
		}
	})
}

// TestTellingIsRare: however many requests there are, the database is asked once in a while.
func TestTellingIsRare(t *testing.T) {
	twoServers(t, 1000, 1000, func(t *testing.T, db *database, one, _ rates) {
		for range 10_000 {
			for key := range 3 {
				one.sessions.take(fmt.Sprint(key))
			}
			time.Sleep(100 * time.Microsecond)
		}
		if calls, most, _ := db.tally(); calls == 0 || calls > 21 || most > 3 {
			t.Errorf("in a second the database was asked %d times, for up to %d rows", calls, most)
		}
		db.set(false)
		for range 1000 { // few enough not to matter
			one.sessions.take(fmt.Sprint("seldom ", time.Now().UnixNano()))
			time.Sleep(time.Millisecond)
		}
		if calls, _, _ := db.tally(); calls > 1 { // for the rest of the earlier ones
			t.Errorf("for what does not matter the database was asked %d times", calls)
		}
	})
}

// TestManyAreToldInTurns: one statement does not grow without bound.
func TestManyAreToldInTurns(t *testing.T) {
	twoServers(t, 1, 1, func(t *testing.T, db *database, one, _ rates) {
		for key := range 5 * mostTold / 2 {
			one.sessions.take(fmt.Sprint(key))
		}
		time.Sleep(time.Second)
		if calls, most, rows := db.tally(); calls != 3 && calls != 4 || most != mostTold || rows != 5*mostTold/2 {
			t.Errorf("%d rows in %d calls, %d at most", rows, calls, most)
		}
	})
}

// TestLimitsWithoutADatabase: each server goes on for itself, and is told of the other again
// afterwards.
func TestLimitsWithoutADatabase(t *testing.T) {
	twoServers(t, 1, 100, func(t *testing.T, db *database, one, other rates) {
		db.set(true)
		for range 2 {
			if a, b := drain(one.sessions, "a"), drain(other.sessions, "a"); a < 100 || a > 110 || b < 100 || b > 110 {
				t.Errorf("let through %d and %d", a, b)
			}
			time.Sleep(100 * time.Second)
		}
		if calls, _, _ := db.tally(); calls > 2*202 {
			t.Errorf("a database that is gone was asked %d times in 200 s", calls)
		}
		drain(one.sessions, "a")
		db.set(false)
		time.Sleep(2 * restAfterFailure)
		for range 10 {
			other.sessions.take("a")
		}
		time.Sleep(2 * restAfterTelling)
		if other.sessions.take("a") == 0 {
			t.Error("when the database is back the other server lets through")
		}
		time.Sleep(10 * time.Minute)
		if wait := other.sessions.take("a"); wait != 0 {
			t.Errorf("after ten minutes one has still to wait for %v", wait)
		}
	})
}

// TestSharingEnds: then nothing more is noted for the others.
func TestSharingEnds(t *testing.T) {
	var after rates
	twoServers(t, 1, 1, func(_ *testing.T, _ *database, one, _ rates) { after = one })
	after.sessions.take("a")
	if after.sessions.dueKeys != nil {
		t.Error("keys are collected that nobody takes")
	}
}
