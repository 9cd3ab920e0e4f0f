package optimist

import (
	"testing"
	"testing/synctest"

	"github.com/optimist-go/optimist/memjournal"
)

// A page that was left open over a restart may still name what was never made.
func TestLaw43_AFirstIDThatCameToNothingStaysUnknownToTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recording{Journal: memjournal.New()}
		b := life(t, log, nil)
		b.next = []func(*Truth[card]) error{refuses}
		made := on(b, b.list, "tmp1", "a")
		b.flush()
		b.outcome(made, RolledBack)
		pairs, operations := log.kinds()
		equal(t, "in the journal", []int{pairs, operations}, []int{1, 0})
		next := kill(t, log)
		end(b)

		b = life(t, next, b)
		_, err := b.retitle.Execute(b.ctx, "tmp1", "b")
		is(t, err, ErrAbsent)
		_, err = b.add.Execute(b.ctx, "tmp2", card{Text: "x", In: "tmp1"})
		is(t, err, ErrDependency)
		on(b, b.list, "tmp1", "again")
		on(b, b.add, "tmp2", card{Text: "x", In: "tmp1"})
		b.flush()
		equal(t, "calls", b.heard, []string{"list", "add  s2"})
		pairs, _ = next.kinds()
		equal(t, "pairs in the journal", pairs, 2)

		// Log-out leaves no name behind, not even of what it takes back.
		is(t, b.m.SetOnline(false), nil)
		on(b, b.list, "tmp3", "c")
		synctest.Wait()
		b.lists.Forget("tmp1")
		b.cards.Forget("tmp2")
		is(t, b.m.ClearAll(), nil)
		pairs, operations = next.kinds()
		equal(t, "after log-out", []int{pairs, operations}, []int{0, 0})
		end(b)
	})
}
