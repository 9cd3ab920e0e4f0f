package httpapi

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
)

// kept is a simple model of a database with allowances.
type kept map[string]time.Time // when each is whole again

func (k kept) spend(now time.Time, s engagement.Spending) (missing time.Duration) {
	k[s.Allowance] = later(k[s.Allowance].Add(s.Cost), now.Add(s.Alone))
	return max(0, k[s.Allowance].Sub(now))
}

// teller is a server with one bucket, which reports it when due: the report reaches the
// database at once, and the answer reaches the server later.
type teller struct {
	limit
	bucket
	answers []answered
}

type answered struct {
	telling
	missing time.Duration
	at      time.Time // when the server hears
}

func (s *teller) ask(now time.Time) bool {
	var wait time.Duration
	s.bucket, wait = s.take(s.bucket, now)
	return wait == 0
}

func (s *teller) tellAndHear(now time.Time, db kept, delay time.Duration) {
	if len(s.answers) == 0 && s.due(s.bucket) {
		var t telling
		s.bucket, t = s.tell(s.bucket, now)
		missing := db.spend(now, engagement.Spending{Cost: s.cost(t.tokens), Alone: t.whole.Sub(now)})
		s.answers = append(s.answers, answered{t, missing, now.Add(delay)})
	}
	if len(s.answers) > 0 && !now.Before(s.answers[0].at) {
		a := s.answers[0]
		s.answers = s.answers[1:]
		s.bucket = s.heard(s.bucket, a.telling, a.missing, now)
	}
}

// TestServersTogetherKeepTheLimit: a client that sends its requests to several servers gets
// as many as one server would give, except for the reports under way.
func TestServersTogetherKeepTheLimit(t *testing.T) {
	const seconds, delay = 60, 40 * time.Millisecond
	for seed := range uint64(20) {
		draws := rand.New(rand.NewPCG(seed, 0))
		limit := limit{perSecond: float64(1 + draws.IntN(100)), burst: float64(1 + draws.IntN(400))}
		now := time.Unix(0, 0)
		db, servers := kept{}, make([]teller, 2+draws.IntN(4))
		for i := range servers {
			servers[i] = teller{limit: limit, bucket: limit.fresh(now)}
		}
		passed := 0.0
		for range seconds * 1000 {
			s := &servers[draws.IntN(len(servers))]
			if s.ask(now) {
				passed++
			}
			s.tellAndHear(now, db, time.Duration(draws.Int64N(int64(delay))))
			now = now.Add(time.Millisecond)
			// The requests at other servers until an answer comes, and those below the next report.
			alone := limit.burst + limit.perSecond*now.Sub(time.Unix(0, 0)).Seconds()
			more := 2*delay.Seconds()*1000 + float64(len(servers))*(limit.burst/tellings+1)
			if passed > alone+more {
				t.Fatalf("seed %d: %d servers let %v through until %v, one alone %v", seed, len(servers), passed, now.Sub(time.Unix(0, 0)), alone)
			}
		}
		least := limit.burst + limit.perSecond*seconds
		if passed < 0.9*least {
			t.Errorf("seed %d: %d servers let only %v of %v through", seed, len(servers), passed, least)
		}
	}
}

// TestOneServerThatTellsLimitsAsOneThatDoesNot: nothing is taken from a client because its
// server would share the limit with others.
func TestOneServerThatTellsLimitsAsOneThatDoesNot(t *testing.T) {
	for seed := range uint64(20) {
		draws := rand.New(rand.NewPCG(seed, 1))
		limit := limit{perSecond: float64(1 + draws.IntN(100)), burst: float64(1 + draws.IntN(400))}
		now := time.Unix(0, 0)
		db, tells, alone := kept{}, teller{limit: limit, bucket: limit.fresh(now)}, limit.fresh(now)
		for range 20_000 {
			most := time.Millisecond
			switch draws.IntN(300) {
			case 0:
				most = 10 * time.Second
			case 1, 2, 3:
				most = 100 * time.Millisecond
			}
			now = now.Add(time.Duration(draws.Int64N(int64(most))))
			var wait time.Duration
			alone, wait = limit.take(alone, now)
			if got := tells.ask(now); got != (wait == 0) {
				t.Fatalf("seed %d, %v: let through %v; alone it would wait for %v", seed, now.Sub(time.Unix(0, 0)), got, wait)
			}
			tells.tellAndHear(now, db, time.Duration(draws.Int64N(int64(100*time.Millisecond))))
		}
	}
}

// TestDebtsAreCharged checks the effects of one answer step by step.
func TestDebtsAreCharged(t *testing.T) {
	l := limit{perSecond: 10, burst: 32}
	at := func(seconds float64) time.Time { return time.Unix(0, int64(seconds*1e9)) }
	take := func(b bucket, n int, now time.Time) bucket {
		for range n {
			b, _ = l.take(b, now)
		}
		return b
	}
	for name, row := range map[string]struct {
		before, since int           // tokens taken before telling and until the answer
		missing       time.Duration // in the answer
		heard         float64       // when it comes, in seconds
		left          float64
	}{
		"nobody else":              {5, 0, 500 * time.Millisecond, 0, 27},
		"others":                   {5, 0, 2 * time.Second, 0, 12},
		"others, and more here":    {5, 3, 2 * time.Second, 0, 9},
		"the answer takes long":    {5, 3, 2 * time.Second, 1, 19},
		"it takes longer than all": {5, 0, 2 * time.Second, 60, 32},
		"more than there is":       {5, 0, 6 * time.Second, 0, -28},
		"the others have lost it":  {5, 0, 0, 0, 27},
	} {
		b, told := l.tell(take(l.fresh(at(0)), row.before, at(0)), at(0))
		b = l.heard(take(b, row.since, at(0)), told, row.missing, at(row.heard))
		if b.tokens != row.left || b.untold != float64(row.since) {
			t.Errorf("%s: %v tokens are left, want %v; untold %v, want %d", name, b.tokens, row.left, b.untold, row.since)
		}
	}
}

// TestWhatCannotBeToldIsKept up to a bound, so that nobody pays for hours without a database.
func TestWhatCannotBeToldIsKept(t *testing.T) {
	l := limit{perSecond: 10, burst: 32}
	now := time.Unix(0, 0)
	b, _ := l.take(l.fresh(now), now)
	b, told := l.tell(b, now)
	for i, row := range []struct{ taken, whole time.Duration }{
		{50 * time.Millisecond, 200 * time.Millisecond}, // each token takes 100 ms
		{time.Second, 1100 * time.Millisecond},
	} {
		b, _ = l.take(b, now.Add(row.taken))
		b = l.unheard(b, told)
		if b.untold != float64(i+2) || !b.whole.Equal(now.Add(row.whole)) {
			t.Errorf("untold are %v, whole after %v, want %v", b.untold, b.whole.Sub(now), row.whole)
		}
		b, told = l.tell(b, now.Add(row.taken))
	}
	for range 1000 {
		now = now.Add(100 * time.Millisecond)
		b, told = l.tell(b, now)
		b, _ = l.take(b, now)
		b = l.unheard(b, told)
	}
	if b.untold != 42 {
		t.Errorf("after %v untold are %v", now.Sub(time.Unix(0, 0)), b.untold)
	}
}
