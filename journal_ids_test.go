package optimist

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// recording is a journal that remembers all that was written to it.
type recording struct {
	journal.Journal
	all  []journal.Record
	full atomic.Bool // it refuses all
}

func (r *recording) Write(records []journal.Record) error {
	if r.full.Load() {
		return journal.ErrRefused
	}
	for _, one := range records {
		one.Data = slices.Clone(one.Data)
		r.all = append(r.all, one)
	}
	return r.Journal.Write(records)
}

// life is the board of one life of the program; the server has the ids of the lives before.
func life(t *testing.T, log *recording, before *board) *board {
	t.Helper()
	opts := instant
	opts.Journal = log
	b := newBoard(newWorld(t, opts))
	if before != nil {
		b.ids, b.version = before.ids, before.version
	}
	must(b.m.Restore())(t)
	return b
}

// kill has the next life begin with what the journal holds now.
func kill(t *testing.T, log *recording) *recording {
	synctest.Wait()
	next := memjournal.New()
	var live []journal.Record
	for _, r := range log.all {
		live = slices.DeleteFunc(live, func(old journal.Record) bool { return old.Seq == r.Seq })
		if !r.Settled {
			live = append(live, r)
		}
	}
	slices.SortFunc(live, func(a, b journal.Record) int { return int(a.Seq) - int(b.Seq) })
	is(t, next.Write(live), nil)
	return &recording{Journal: next, all: live}
}

func end(b *board) {
	b.m.ClearAll()
	b.m.Close(context.Background())
}

// kinds counts the live records of pairs and of operations, when the writer rests.
func (r *recording) kinds() (pairs, operations int) {
	synctest.Wait()
	seen := make(map[uint64][]byte)
	for _, one := range r.all {
		if seen[one.Seq] = one.Data; one.Settled || one.Seq == 0 {
			delete(seen, one.Seq)
		}
	}
	for _, data := range seen {
		if data[0] == 3 {
			pairs++
		} else {
			operations++
		}
	}
	return pairs, operations
}

func TestLaw43_ThePairSurvivesACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recording{Journal: memjournal.New()}
		b := life(t, log, nil)
		on(b, b.list, "tmp1", "a")
		b.flush()
		is(t, b.m.SetOnline(false), nil)
		on(b, b.add, "tmp2", card{Text: "x", In: "tmp1"})
		on(b, b.done, "tmp2", true)
		synctest.Wait()
		pairs, operations := log.kinds()
		equal(t, "in the journal", []int{pairs, operations}, []int{1, 2})
		next := kill(t, log)
		end(b)

		b = life(t, next, b)
		b.flush()
		equal(t, "calls", b.heard, []string{"add  s1", "done s2"})
		b.flush()
		is(t, b.lists.Receive("s1", TruthOf(card{Text: "b"}, 9)), nil)
		equal(t, "by the first name", b.lists.View("tmp1").Value.Text, "b")
		pairs, operations = next.kinds()
		equal(t, "in the journal", []int{pairs, operations}, []int{2, 0})

		// Log-out ends the records of names under which nothing is held.
		b.lists.Forget("tmp1")
		is(t, b.m.ClearAll(), nil)
		pairs, _ = next.kinds()
		equal(t, "pairs in the journal", pairs, 1)
		b.cards.Forget("s2")
		is(t, b.m.ClearAll(), nil)
		pairs, _ = next.kinds()
		equal(t, "pairs in the journal", pairs, 0)
		equal(t, "forgotten", b.lists.View("s1").Presence, NotLoaded)
		end(b)
	})
}

// The record of the pair is before the end of the creation, at every cut of the log.
func TestLaw43_ThePairIsWrittenBeforeTheCreationsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recording{Journal: memjournal.New()}
		b := life(t, log, nil)
		on(b, b.list, "tmp1", "a")
		on(b, b.add, "tmp2", card{Text: "x", In: "tmp1"})
		on(b, b.done, "tmp2", true)
		b.flush()
		end(b)
		for cut := 1; cut <= len(log.all); cut++ {
			then := kill(t, &recording{all: log.all[:cut]})
			next := life(t, then, b)
			next.flush()
			for _, name := range []string{"tmp2", "s2"} {
				if v := next.cards.View(name); v.Pending != 0 {
					t.Errorf("cut at %d: %s is %+v", cut, name, v)
				}
			}
			if len(next.ids) != 2 {
				t.Errorf("cut at %d: the server has made %v", cut, next.ids)
			}
			end(next)
		}
	})
}

func TestLaw43_ARefusedPairIsWrittenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recording{Journal: memjournal.New()}
		b := life(t, log, nil)
		on(b, b.list, "tmp1", "a")
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		log.full.Store(true)
		time.Sleep(time.Second)
		on(b, b.add, "tmp2", card{Text: "x", In: "tmp1"})
		synctest.Wait()
		log.full.Store(false)
		time.Sleep(time.Minute)
		b.flush()
		pairs, operations := log.kinds()
		equal(t, "in the journal", []int{pairs, operations}, []int{2, 0})
		equal(t, "calls", b.heard, []string{"list", "add  s1"})
		end(b)
	})
}

// A program that has lost the store keeps its pairs; only a log-out ends them.
func TestLaw43_PairsOfAnUnknownStoreStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recording{Journal: memjournal.New()}
		b := life(t, log, nil)
		on(b, b.list, "tmp1", "a")
		b.flush()
		log = kill(t, log)
		end(b)
		opts := instant
		opts.Journal = log
		w := newWorld(t, opts)
		r := must(w.m.Restore())(t)
		equal(t, "in quarantine", len(r.Quarantined), 0)
		pairs, _ := log.kinds()
		equal(t, "pairs", pairs, 1)
		is(t, w.m.ClearAll(), nil)
		pairs, _ = log.kinds()
		equal(t, "pairs", pairs, 0)
		if err := w.m.Close(w.ctx); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}
