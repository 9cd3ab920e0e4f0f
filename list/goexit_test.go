package list_test

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

func TestAListWhoseFirstFillingEndsItsGoroutineIsNotLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.receive("a")
		calls := 0
		go list.New(d.tasks, list.Query[task]{Where: func(string, task) bool {
			if calls++; calls == 1 {
				runtime.Goexit()
			}
			return true
		}})
		synctest.Wait()
		d.receive("b")
		equal(t, "calls", calls, 1)
		equal(t, "others", shown(d.list(list.Query[task]{}).Rows()), "a b")
	})
}

// TestAnIndexThatEndsTheGoroutineOfForgetBreaksTheManager: the indexes behind it would keep a
// row of what is forgotten.
func TestAnIndexThatEndsTheGoroutineOfForgetBreaksTheManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.receive("a")
		if _, err := d.tasks.AddIndex(&leaver{}); err != nil {
			t.Fatal(err)
		}
		l := d.list(list.Query[task]{})
		go d.tasks.Forget("a")
		synctest.Wait()
		if err := l.Err(); !errors.Is(err, optimist.ErrBroken) {
			t.Errorf("the list behind it: %v, rows %q", err, shown(l.Rows()))
		}
	})
}

// leaver is an index that ends the goroutine at the second step.
type leaver struct{ steps int }

func (l *leaver) Changed(uint64, []optimist.EntityChange[task]) {
	if l.steps++; l.steps > 1 {
		runtime.Goexit()
	}
}

func (*leaver) Detached(error) {}

func TestALeavingRowWithAnotherValueIsAnUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.m.SetOnline(false)
		d.receive("a")
		l := d.list(list.Query[task]{KeepLeaving: true})
		if _, err := d.remove.Execute(d.ctx, "a", ""); err != nil {
			t.Fatal(err)
		}
		var got list.Splice[task]
		for s := range l.Watch(d.ctx) {
			if got = s; !s.Reset {
				break
			}
			d.tasks.Receive("a", optimist.TruthOf(task{Text: "changed", Hours: 1}, 2))
		}
		equal(t, "kind", got.Edits[0].Kind, list.Update)
		equal(t, "value", got.Edits[0].Row.View.Value.Text, "changed")
		d.m.ClearAll()
	})
}
