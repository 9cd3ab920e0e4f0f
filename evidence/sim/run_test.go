package sim

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/journal"
)

// Report is the result of a run.
type Report struct {
	Script   Script
	Stats    Stats
	Problems []string
	Trace    []string
	Unsure   int           // histories on which the checker gave up
	Virtual  time.Duration // that passed in the simulated world
}

// Run plays a script in a bubble of its own.
func Run(t *testing.T, s Script, trace bool) (r Report) {
	w := &World{
		open: make(map[string]openCall), ids: newNames(),
		script: s, tracing: trace, names: make(map[string]int), sent: make(map[string]sent), heardOf: make(map[deed]heard),
	}
	defer func() {
		if p := recover(); p != nil { // a goroutine was left, or everybody waits for each other
			w.problems = append(w.problems, fmt.Sprint("panic: ", p))
		}
		if len(w.problems) == 0 {
			w.problems, r.Unsure = w.linearizable()
		}
		r.Script, r.Stats, r.Problems, r.Trace = s, w.stats, w.problems, w.lines
	}()
	synctest.Test(t, func(*testing.T) {
		w.play()
		r.Virtual = w.now()
	})
	return r
}

func (w *World) play() {
	w.began = time.Now()
	for i := range w.script.Entities {
		w.entities = append(w.entities, fmt.Sprintf("e%d", i))
	}
	for i := range w.script.Posts {
		w.entities = append(w.entities, fmt.Sprintf("n%d", i))
	}
	w.web = &Client{w: w, number: -1}
	w.server = newServer(w)
	for i := range w.script.Clients {
		w.clients = append(w.clients, &Client{
			w: w, number: i, wall: newWall(w.script.Skews[i]), calls: make(map[string]int), rereads: make(map[string]int), ops: make(map[string]*op),
			told: make(map[string]bool), withheld: make(map[string]bool), mixed: make(map[string]bool),
		})
	}
	for _, c := range w.clients {
		c.start()
	}
	for _, step := range w.script.Steps {
		time.Sleep(step.Wait)
		w.do(step)
		synctest.Wait()
		w.flushed()
	}
	w.heal()
	if len(w.problems) == 0 {
		w.mu.Lock()
		w.verdict()
		w.mu.Unlock()
	}
	w.close()
}

// heal ends all faults and waits until everything has settled, for no longer than it
// may take.
func (w *World) heal() {
	w.mu.Lock()
	w.calm = true
	w.trace("-- all is well again")
	for _, c := range w.clients {
		c.cuts++
		c.cut = false
		if c.life != nil {
			c.life.crashIn, c.life.refusing = 0, 0
		}
	}
	w.mu.Unlock()
	time.Sleep(20 * time.Second) // the dead start again, the logged out may log in
	began := w.now()
	for round := 0; ; round++ {
		for _, c := range w.clients {
			w.mu.Lock()
			w.refetch(c)
			w.mu.Unlock()
			c.life.m.SetOnline(true)
			c.life.m.RetryNow()
		}
		time.Sleep(2 * time.Second)
		pending := 0
		for _, c := range w.clients {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			c.life.m.Flush(ctx)
			cancel()
			c.life.unseen()
			c.life.decide(round)
			pending += c.life.m.Snapshot().Pending
		}
		if pending == 0 {
			break
		}
		if w.now()-began > 5*time.Minute {
			w.mu.Lock()
			for _, c := range w.clients {
				if s := c.life.m.Snapshot(); s.Pending > 0 {
					w.fail("%s has not settled: %+v", c, s)
				}
			}
			w.mu.Unlock()
			return
		}
	}
	time.Sleep(time.Minute + 20*time.Second) // copies of requests still come in
	w.mu.Lock()
	for _, c := range w.clients {
		w.refetch(c)
	}
	w.mu.Unlock()
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

// close ends all clients, and checks the rest of their state.
func (w *World) close() {
	for _, c := range w.clients {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := c.life.m.Close(ctx)
		cancel()
		if err != nil {
			w.failed("%s cannot close: %v", c, err)
		}
	}
	w.running.Wait()
	for _, c := range w.clients {
		j, err := c.disk.Open()
		if err != nil {
			w.failed("%s did not give its journal back: %v", c, err)
			continue
		}
		records, err := j.Load()
		if records = leftover(records); err != nil || len(records) > 1 || len(records) == 1 && records[0].Seq != 0 {
			w.failed("%s leaves %d records in its journal (%v): %s", c, len(records), err, contents(records))
		}
		j.Close()
	}
}

func contents(records []journal.Record) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "%d:%q ", r.Seq, r.Data)
	}
	return b.String()
}
