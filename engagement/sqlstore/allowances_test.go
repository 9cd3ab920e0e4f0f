package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/server/pgtest"
)

// handClock is a clock that a test moves.
type handClock struct{ milliseconds atomic.Int64 }

func newHandClock() *handClock {
	c := new(handClock)
	c.advance(1_763_823_482 * time.Second)
	return c
}

func (c *handClock) now() time.Time { return time.UnixMilli(c.milliseconds.Load()) }

func (c *handClock) advance(d time.Duration) time.Time {
	return time.UnixMilli(c.milliseconds.Add(d.Milliseconds()))
}

// TestAllowancesAddUp has several servers spend the same, beside the plainest way to count it.
func TestAllowancesAddUp(t *testing.T) {
	clock := newHandClock()
	url := pgtest.Database(t)
	stores := make([]*sqlstore.Store, 3)
	for i := range stores {
		stores[i] = mustOpen(t, url, sqlstore.Options{Now: clock.now})
	}
	draws := rand.New(rand.NewPCG(1, 0))
	wholeAt := make(map[string]time.Time)
	for range 200 {
		now := clock.advance(time.Duration(draws.IntN(300)) * time.Millisecond)
		var spent []engagement.Spending
		var want []time.Duration
		for _, n := range draws.Perm(4)[:draws.IntN(4)] {
			s := engagement.Spending{
				Allowance: fmt.Sprint("it's ", n), Cost: time.Duration(draws.IntN(500)) * time.Millisecond,
				Alone: time.Duration(draws.IntN(1000)-500) * time.Millisecond,
			}
			spent = append(spent, s)
			whole := wholeAt[s.Allowance].Add(s.Cost)
			if alone := now.Add(s.Alone); alone.After(whole) {
				whole = alone
			}
			wholeAt[s.Allowance] = whole
			want = append(want, max(0, whole.Sub(now)))
		}
		missing, err := stores[draws.IntN(len(stores))].Spend(t.Context(), spent)
		if err != nil || fmt.Sprint(missing) != fmt.Sprint(want) {
			t.Fatalf("%+v: missing %v, %v, want %v", spent, missing, err, want)
		}
	}
}

// TestAllowancesAtOnce: nothing that one of many servers tells at once is lost, and none
// waits for another in a circle.
func TestAllowancesAtOnce(t *testing.T) {
	const servers, each, names = 4, 50, 20
	clock := newHandClock()
	cluster := pgtest.Cluster(t)
	url := pgtest.On(t, cluster)
	stores := make([]*sqlstore.Store, servers)
	for i := range stores {
		stores[i] = mustOpen(t, url, sqlstore.Options{Now: clock.now})
	}
	spend := func(s *sqlstore.Store, seed uint64, cost time.Duration) ([]time.Duration, error) {
		var spent []engagement.Spending
		for _, n := range rand.New(rand.NewPCG(seed, 0)).Perm(names) {
			spent = append(spent, engagement.Spending{Allowance: fmt.Sprint(n), Cost: cost, Alone: cost})
		}
		return s.Spend(context.Background(), spent)
	}
	var running sync.WaitGroup
	for i, s := range stores {
		running.Go(func() {
			for n := range each {
				if _, err := spend(s, uint64(each*i+n), time.Second); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	missing, err := spend(stores[0], 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range missing {
		if m != servers*each*time.Second {
			t.Fatalf("missing are %v", missing)
		}
	}
	if log := cluster.Log(1 << 20); strings.Contains(log, "deadlock") || strings.Contains(log, "lock timeout") {
		t.Error(log)
	}
}

// TestWholeAllowancesAreForgotten now and then, so that the table does not grow for ever.
func TestWholeAllowancesAreForgotten(t *testing.T) {
	const calls = 1000
	clock := newHandClock()
	url := pgtest.Database(t)
	s := mustOpen(t, url, sqlstore.Options{Now: clock.now})
	for n := range calls {
		clock.advance(time.Second)
		if _, err := s.Spend(t.Context(), []engagement.Spending{{Allowance: fmt.Sprint(n), Cost: time.Minute, Alone: time.Minute}}); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var kept, whole int
	if err := db.QueryRow(`SELECT COUNT(*), COUNT(CASE WHEN whole_at < $1 THEN 1 END) FROM allowances`, clock.now().UnixMicro()).Scan(&kept, &whole); err != nil {
		t.Fatal(err)
	}
	if kept != 61 || whole != 0 { // one was whole just now
		t.Errorf("%d allowances are kept, %d of them whole", kept, whole)
	}
}
