package engaged_test

import (
	"flag"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/server/pgcluster"
	"github.com/optimist-go/optimist/server/pgtest"
)

// How much TestKillsOnPostgres does. The defaults take seconds. The whole:
//
//	go test ./engaged -run TestKillsOnPostgres -v -timeout 60m \
//		-chaos.writers 200 -chaos.each 252 -chaos.posts 20 -chaos.kills 100 -chaos.restarts 20 -chaos.patience 50m
var (
	chaosWriters  = flag.Int("chaos.writers", 12, "how many people write")
	chaosEach     = flag.Int("chaos.each", 24, "how many operations each makes, a multiple of 4")
	chaosPosts    = flag.Int("chaos.posts", 3, "how many posts they write on")
	chaosKills    = flag.Int("chaos.kills", 4, "how often a server is killed")
	chaosRestarts = flag.Int("chaos.restarts", 2, "how often the database is ended and started again")
	chaosPatience = flag.Duration("chaos.patience", 2*time.Minute, "how long it may take")
)

// TestKillsOnPostgres has three servers on one database. Servers are killed, and the
// database is ended, at once and in order by turns, while people write, each request at
// another server. In the end each operation is there exactly once.
func TestKillsOnPostgres(t *testing.T) {
	cluster := pgtest.Cluster(t)
	database := pgtest.On(t, cluster)
	const most = 3
	var servers [most]child
	var urls [most]atomic.Value
	for i := range servers {
		servers[i] = spawn(t, database)
		urls[i].Store(servers[i].url)
	}
	var turn atomic.Int64
	w := &writing{
		posts: make([]string, *chaosPosts), writers: *chaosWriters, each: *chaosEach,
		url: func(int) string { return urls[turn.Add(1)%most].Load().(string) },
	}
	w.begin(t)

	blows, ended := *chaosKills+*chaosRestarts, 0
	for n := range blows {
		w.reach(t, 1000*(n+1)/(blows+2))
		if (n+1)**chaosRestarts/blows == ended {
			victim := &servers[n%most]
			victim.kill(t)
			*victim = spawn(t, database)
			urls[n%most].Store(victim.url)
			continue
		}
		mode := []pgcluster.Mode{pgcluster.Immediate, pgcluster.Fast}[ended%2]
		ended++
		if err := cluster.Stop(mode); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
	}
	w.wait.Wait()
	t.Logf("%d acknowledged, %d of them after a failed attempt", w.acknowledged.Load(), w.replayed.Load())
	w.check(t, database)
}
