// Package partitions simulates the counters of a feed that has several partitions: how many
// groups are committed in a time when each holds the counters that it needs until its
// commit is on disk. It replaces a measurement, because on one machine the processor is the
// bottleneck; docs/scaling.md has the results.
package partitions

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Times are in microseconds.
const (
	trip   = 500 // one round trip, and the work of the program between two
	flush  = 1000
	length = 10_000_000
)

// world is groups that are under way at the same time, each of which begins anew when it
// has ended.
type world struct {
	random  *rand.Rand
	parts   int
	members int     // operations of a group that may belong to different partitions
	needs   [][]int // by group: partitions whose counters it needs, ascending
	has     []int   // by group: how many of them it has
	due     []int   // by group: when it goes on; -1 while it waits for a counter
	waiting [][]int // by partition: the holder, and those behind it
}

// run returns how many groups were committed.
func run(groups, parts, members int) (commits int) {
	w := &world{random: rand.New(rand.NewPCG(1, 1)), parts: parts, members: members,
		needs: make([][]int, groups), has: make([]int, groups), due: make([]int, groups), waiting: make([][]int, parts)}
	for g := range groups {
		w.begin(g, w.random.IntN(trip))
	}
	for {
		next := -1
		for g, at := range w.due {
			if at >= 0 && (next < 0 || at < w.due[next]) {
				next = g
			}
		}
		now := w.due[next]
		switch {
		case now > length:
			return commits
		case w.has[next] == len(w.needs[next]): // it is on disk
			commits++
			for _, p := range w.needs[next] {
				w.waiting[p] = w.waiting[p][1:]
				if len(w.waiting[p]) > 0 {
					w.hold(w.waiting[p][0], now)
				}
			}
			w.begin(next, now+trip)
		default:
			w.queue(next, now)
		}
	}
}

func (w *world) begin(g, at int) {
	needs := make([]int, w.members)
	for i := range needs {
		needs[i] = w.random.IntN(w.parts)
	}
	slices.Sort(needs)
	w.needs[g], w.has[g], w.due[g] = slices.Compact(needs), 0, at
}

// queue has the group wait for its next counter.
func (w *world) queue(g, now int) {
	p := w.needs[g][w.has[g]]
	w.due[g] = -1
	if w.waiting[p] = append(w.waiting[p], g); len(w.waiting[p]) == 1 {
		w.hold(g, now)
	}
}

// hold gives the group the counter that it waited for.
func (w *world) hold(g, now int) {
	if w.has[g]++; w.has[g] < len(w.needs[g]) {
		w.queue(g, now)
		return
	}
	w.due[g] = now + flush
}

// TestPartitionsHelpGroupsOfOne shows that partitions multiply the commits when a group
// belongs to one of them, and do nothing for groups of any 32 entities.
func TestPartitionsHelpGroupsOfOne(t *testing.T) {
	const groups = 24 // of six processes and more
	one := run(groups, 1, 32)
	for _, parts := range []int{2, 4, 8, 16} {
		mixed, apart := float64(run(groups, parts, 32))/float64(one), float64(run(groups, parts, 1))/float64(one)
		t.Logf("%2d partitions: %.2f times as many groups when they are mixed, %.2f times when each has one partition", parts, mixed, apart)
		if mixed > 1.1 || apart < 0.6*float64(min(parts, groups/2)) {
			t.Errorf("%d partitions: %.2f and %.2f", parts, mixed, apart)
		}
	}
}
