package list_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

type task struct {
	Text  string
	Hours int
}

// desk is a manager whose server does as it is told.
type desk struct {
	*testing.T
	ctx    context.Context
	m      *optimist.Manager
	tasks  *optimist.Store[task]
	set    *optimist.Action[task, task]
	add    *optimist.Action[task, task]
	remove *optimist.Action[task, string]
	answer func(id string) (optimist.Truth[task], error)
}

func newDesk(t *testing.T) *desk {
	d := &desk{T: t, ctx: context.Background()}
	d.answer = func(string) (optimist.Truth[task], error) { return optimist.Truth[task]{}, nil }
	policy := optimist.Policy{Debounce: optimist.Debounce{Wait: optimist.NoDebounce}, Failure: optimist.Park}
	m, err := optimist.New(optimist.Options{Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	d.m, d.tasks = m, optimist.NewStore[task](m, "task")
	change := func(typ string, kind optimist.Kind) *optimist.Action[task, task] {
		return optimist.Register(d.tasks, optimist.Mutation[task, task]{
			Type: typ, Kind: kind,
			Apply: func(_, a task) (task, error) { return a, nil },
			Send: func(_ context.Context, c optimist.Call[task]) (optimist.Truth[task], error) {
				return d.answer(c.Entity)
			},
		})
	}
	d.set, d.add = change("set", optimist.Change), change("add", optimist.Create)
	d.remove = optimist.Register(d.tasks, optimist.Mutation[task, string]{
		Type: "remove", Kind: optimist.Delete,
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[task], error) {
			return d.answer(c.Entity)
		},
	})
	t.Cleanup(func() { m.Close(d.ctx) })
	return d
}

func (d *desk) list(q list.Query[task]) *list.List[task] {
	d.Helper()
	l, err := list.New(d.tasks, q)
	if err != nil {
		d.Fatal(err)
	}
	return l
}

func (d *desk) receive(ids ...string) {
	for i, id := range ids {
		d.tasks.Receive(id, optimist.TruthOf(task{Text: id, Hours: i + 1}, 1))
	}
}

// shown is the ids of rows, with "-" before those that are leaving.
func shown(rows list.Rows[task]) string {
	var ids []string
	for _, row := range rows.All() {
		if row.Leaving {
			row.ID = "-" + row.ID
		}
		ids = append(ids, row.ID)
	}
	return strings.Join(ids, " ")
}

func equal[V comparable](t *testing.T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

var errNo = errors.New("no")

func TestTheListHasTheChangeWhenExecuteReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.receive("a", "b", "c")
		long := list.Query[task]{
			Where: func(_ string, v task) bool { return v.Hours > 1 },
			Order: []list.Key[task]{list.Desc(func(_ string, v task) int { return v.Hours })},
			Sums:  []func(string, task) int64{func(_ string, v task) int64 { return int64(v.Hours) }},
		}
		l := d.list(long)
		equal(t, "at first", shown(l.Rows()), "c b")
		d.m.SetOnline(false)
		d.set.Execute(d.ctx, "a", task{"a", 7})
		equal(t, "one more", shown(l.Rows()), "a c b")
		h, _ := d.add.Execute(d.ctx, "d", task{"d", 4})
		equal(t, "a new one", shown(l.Rows()), "a d c b")
		equal(t, "hours", l.Rows().Sum(0), 7+4+3+2)
		equal(t, "pending", l.Rows().At(1).View.Pending, 1)
		d.set.Execute(d.ctx, "c", task{"c", 1})
		equal(t, "one less", shown(l.Rows()), "a d b")
		h.Cancel()
		equal(t, "taken back", shown(l.Rows()), "a b")
		d.m.RollbackAll("task:c")
		equal(t, "as before", shown(l.Rows()), "a c b")
		l.Close()
		d.m.RollbackAll("task:a")
		equal(t, "after Close", shown(l.Rows()), "a c b")
	})
}

func TestLeavingRowsKeepTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.receive("a", "b", "c")
		order := []list.Key[task]{list.Asc(func(_ string, v task) string { return v.Text })}
		keeps := d.list(list.Query[task]{Order: order, KeepLeaving: true})
		drops := d.list(list.Query[task]{Order: order})
		d.answer = func(string) (optimist.Truth[task], error) {
			return optimist.Truth[task]{}, optimist.Fail(optimist.Permanent, errNo)
		}
		h, _ := d.remove.Execute(d.ctx, "b", "")
		equal(t, "removed", shown(drops.Rows()), "a c")
		equal(t, "leaving", shown(keeps.Rows()), "a -b c")
		d.m.Flush(d.ctx)
		equal(t, "refused", shown(keeps.Rows()), "a -b c")
		row := keeps.Rows().At(1)
		equal(t, "parked", row.View.Parked, 1)
		equal(t, "value", row.View.Value.Text, "b")
		h.Discard()
		equal(t, "given up", shown(keeps.Rows()), "a b c")
		d.answer = func(string) (optimist.Truth[task], error) { return optimist.Gone[task](2), nil }
		d.remove.Execute(d.ctx, "b", "")
		d.m.Flush(d.ctx)
		equal(t, "gone", shown(keeps.Rows()), "a c")
	})
}

func TestAListEndsWithItsManagerItsPanicOrClose(t *testing.T) {
	for name, row := range map[string]struct {
		end func(d *desk, l *list.List[task])
		err error
	}{
		"close":         {func(_ *desk, l *list.List[task]) { l.Close(); l.Close() }, nil},
		"manager":       {func(d *desk, _ *list.List[task]) { d.m.Close(d.ctx) }, optimist.ErrClosed},
		"panic":         {func(d *desk, _ *list.List[task]) { d.receive("boom") }, &optimist.PanicError{}},
		"panic in list": {func(d *desk, _ *list.List[task]) { d.add.Execute(d.ctx, "boom", task{}) }, &optimist.PanicError{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				d.receive("a", "b")
				l := d.list(list.Query[task]{Where: func(id string, _ task) bool {
					if id == "boom" {
						panic("boom")
					}
					return true
				}})
				other := d.list(list.Query[task]{})
				ended := make(chan int)
				go func() {
					n := 0
					for range l.Watch(d.ctx) {
						n++
					}
					ended <- n
				}()
				synctest.Wait()
				row.end(d, l)
				equal(t, "splices", <-ended, 1)
				var panicked *optimist.PanicError
				switch err := l.Err(); {
				case errors.As(row.err, &panicked) && errors.As(err, &panicked):
					equal(t, "the other list", shown(other.Rows()), "a b boom")
				case !errors.Is(err, row.err):
					t.Errorf("%v, want %v", err, row.err)
				}
				equal(t, "rows", shown(l.Rows()), "a b")
			})
		})
	}
}

func TestWrongQueriesAreRefused(t *testing.T) {
	d := newDesk(t)
	for name, q := range map[string]list.Query[task]{
		"limit": {Limit: -1},
		"key":   {Order: []list.Key[task]{{}}},
		"no":    {Order: []list.Key[task]{list.Asc[task, int](nil)}},
		"sum":   {Sums: []func(string, task) int64{nil}},
	} {
		if _, err := list.New(d.tasks, q); !errors.Is(err, optimist.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := list.New[task](nil, list.Query[task]{}); !errors.Is(err, optimist.ErrInvalid) {
		t.Error(err)
	}
	if _, err := list.New(optimist.NewStore[task](d.m, ""), list.Query[task]{}); !errors.Is(err, optimist.ErrInvalid) {
		t.Error(err)
	}
	l := d.list(list.Query[task]{})
	if err := d.m.Views(l.Into(nil)); !errors.Is(err, optimist.ErrInvalid) {
		t.Error(err)
	}
}

// TestLaw42_ListsAndViewsAreOfOneMoment moves hours from one task to another, in groups and
// in several goroutines: together they are always as many.
func TestLaw42_ListsAndViewsAreOfOneMoment(t *testing.T) {
	d := newDesk(t)
	other := optimist.NewStore[task](d.m, "other")
	d.receive("a")
	other.Receive("b", optimist.TruthOf(task{Text: "b", Hours: 1}, 1))
	hours := list.Query[task]{Sums: []func(string, task) int64{func(_ string, v task) int64 { return int64(v.Hours) }}}
	of := func(s *optimist.Store[task]) *list.List[task] {
		l, err := list.New(s, hours)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	left, right := of(d.tasks), of(other)
	move := optimist.RegisterGroup(d.m, optimist.Group[int]{
		Type: "move",
		Parts: func(n int) []optimist.Part {
			add := func(n int) func(task) (task, error) {
				return func(v task) (task, error) { v.Hours += n; return v, nil }
			}
			return []optimist.Part{d.tasks.Part("a", add(n)), other.Part("b", add(-n))}
		},
		Send: func(_ context.Context, c optimist.Call[int]) ([]optimist.EntityTruth, error) {
			if c.Args%2 == 0 {
				return nil, optimist.Fail(optimist.Permanent, errNo)
			}
			return nil, nil
		},
	})
	ctx, stop := context.WithCancel(d.ctx)
	var all sync.WaitGroup
	all.Go(func() {
		for n := range 400 {
			h, err := move.Execute(ctx, n)
			if err == nil && n%10 == 0 {
				h.Discard()
				d.m.Flush(ctx)
			}
		}
		stop()
	})
	for range 2 {
		all.Go(func() {
			for ctx.Err() == nil {
				var a, b list.Rows[task]
				var va, vb optimist.View[task]
				if err := d.m.Views(left.Into(&a), other.Into("b", &vb), right.Into(&b), d.tasks.Into("a", &va)); err != nil {
					t.Error(err)
					return
				}
				if a.Sum(0)+b.Sum(0) != 2 || a.At(0).View != va || b.At(0).View != vb {
					t.Errorf("%d and %d hours, views %v %v", a.Sum(0), b.Sum(0), va, vb)
					return
				}
			}
		})
	}
	all.Go(func() {
		last := uint64(0)
		var rows []list.Row[task]
		for s := range left.Watch(ctx) {
			if rows = s.Apply(rows); s.Step < last || len(rows) != 1 || int64(rows[0].View.Value.Hours) != s.Sums[0] {
				t.Errorf("splice %+v after step %d", s, last)
				return
			}
			last = s.Step
		}
	})
	all.Wait()
	d.m.RollbackAll("task:a")
}

func TestAnIndexMustNotCallTheManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		ix := &caller{d: d}
		at, err := d.tasks.AddIndex(ix)
		if err != nil {
			t.Fatal(err)
		}
		d.receive("a")
		if !errors.Is(ix.err, optimist.ErrStuck) || !strings.Contains(ix.err.Error(), "index of store") {
			t.Error(ix.err)
		}
		at.Detach()
		at.Detach()
		d.receive("b")
		equal(t, "told", strings.Join(ix.told, " "), "0 1 detached <nil>")
	})
}

// A program may close a list from the middle of one of its functions. It waits in vain, as for
// any call of the manager, and the list has ended all the same.
func TestAListThatIsClosedFromInsideEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.receive("a")
		var l *list.List[task]
		asked := 0
		l = d.list(list.Query[task]{Where: func(id string, _ task) bool {
			if asked++; l != nil {
				l.Close()
			}
			return true
		}})
		d.receive("b", "c")
		equal(t, "asked", asked, 2)
		equal(t, "rows", shown(l.Rows()), "a")
		equal(t, "err", l.Err(), nil)
		l.Close()
	})
}

// caller is an index that calls the manager.
type caller struct {
	d    *desk
	told []string
	err  error
}

func (c *caller) Changed(_ uint64, changes []optimist.EntityChange[task]) {
	c.told = append(c.told, string('0'+rune(len(changes))))
	if len(changes) > 0 {
		c.err = c.d.m.RollbackAll("task:a")
	}
}

func (c *caller) Detached(err error) {
	why := "<nil>"
	if err != nil {
		why = err.Error()
	}
	c.told = append(c.told, "detached", why)
}

func TestRowsDoNotChange(t *testing.T) {
	d := newDesk(t)
	l := d.list(list.Query[task]{})
	var ids []string
	for i := range 1000 {
		ids = append(ids, string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('0'+i/676)))
	}
	d.receive(ids...)
	rows := l.Rows()
	before := shown(rows)
	slices.Sort(ids)
	equal(t, "order", before, strings.Join(ids, " "))
	for _, id := range ids[:500] {
		d.tasks.Receive(id, optimist.Gone[task](2))
	}
	equal(t, "kept", shown(rows), before)
	equal(t, "now", shown(l.Rows()), strings.Join(ids[500:], " "))
	equal(t, "from", func() string {
		for _, row := range l.Rows().From(300) {
			return row.ID
		}
		return ""
	}(), ids[800])
}
