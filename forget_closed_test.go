package optimist_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// fullDisk is a journal that refuses records while it is full, and counts those after its end.
type fullDisk struct {
	durable
	full       *atomic.Bool
	closed     *atomic.Bool
	afterwards *atomic.Int32
}

func (d fullDisk) Write(r []journal.Record) error {
	if d.closed.Load() {
		d.afterwards.Add(1)
	}
	if d.full.Load() {
		return journal.ErrRefused
	}
	return d.durable.Write(r)
}

func (d fullDisk) Close() error { d.closed.Store(true); return d.durable.Close() }

// TestForgetAfterCloseDoesNotWrite: a closed journal gets no record that it had refused before.
func TestForgetAfterCloseDoesNotWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		var disk memjournal.Disk
		j := fullDisk{durable{must(disk.Open())(t)}, new(atomic.Bool), new(atomic.Bool), new(atomic.Int32)}
		m := must(optimist.New(optimist.Options{Journal: j}))(t)
		notes := optimist.NewStore[note](m, "note")
		add := optimist.Register(notes, optimist.Mutation[note, edit]{
			Type: "add", Stored: stored[edit](),
			Apply: func(n note, e edit) (note, error) { n.Text = e.Text; return n, nil },
			Send: func(context.Context, optimist.Call[edit]) (optimist.Truth[note], error) {
				return optimist.TruthOf(note{}, 2), nil
			},
		})
		must(m.Restore())(t)
		notes.Receive("1", optimist.TruthOf(note{}, 1))
		notes.Receive("2", optimist.TruthOf(note{}, 1))
		h := must(add.Execute(ctx, "1", edit{"a"}))(t)
		h.Await(ctx, optimist.Settled)
		j.full.Store(true)
		h = must(add.Execute(ctx, "1", edit{"b"}))(t)
		h.Await(ctx, optimist.Settled)
		over, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		t.Log(m.Close(over))
		synctest.Wait()
		time.Sleep(time.Hour)
		if n := j.afterwards.Load(); n != 0 {
			t.Errorf("%d writes after Close", n)
		}
		t.Log("forgot", notes.Forget("2"))
		synctest.Wait()
		if n := j.afterwards.Load(); n != 0 {
			t.Errorf("%d writes after Close and Forget", n)
		}
	})
}
