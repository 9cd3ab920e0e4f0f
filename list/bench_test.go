package list_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// BenchmarkTap is a tap in a store of many tasks: alone, with lists that it changes, and
// beside a sorted slice that a program keeps by hand. Offline, so that nothing else runs.
func BenchmarkTap(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		for _, c := range []struct {
			name  string
			keep  func(b testing.TB, f *field)
			moves bool
		}{
			{"no-list", nil, true},
			{"stays", keepList(0), false},
			{"moves", keepList(0), true},
			{"moves-limit-50", keepList(50), true},
			{"moves-watched", keepWatched, true},
			{"moves-by-hand", keepByHand, true}, // slow beyond all else at 100,000: take -bench with rows=10000
		} {
			b.Run(fmt.Sprintf("%s/rows=%d", c.name, n), func(b *testing.B) {
				f := newField(b, n)
				if c.keep != nil {
					c.keep(b, f)
				}
				runtime.GC() // of filling
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					id := i * 7919 % n
					hours := hoursOf(id)
					if c.moves {
						hours = i * 7919 % (1 << 40)
					}
					f.tap(b, f.ids[id], task{Text: "x" + strconv.Itoa(i&1), Hours: hours})
				}
			})
		}
	}
}

// hoursOf is in the truth of the ith task.
func hoursOf(i int) int { return i * 31 % 1000 }

// field is a store of many tasks.
type field struct {
	m     *optimist.Manager
	tasks *optimist.Store[task]
	set   *optimist.Action[task, task]
	ids   []string
	after func(id string, v task)
}

func newField(b testing.TB, n int) *field {
	m, err := optimist.New(optimist.Options{MaxPending: 1 << 30, MaxPerEntity: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.ClearAll(); m.Close(context.Background()) })
	f := &field{m: m, tasks: optimist.NewStore[task](m, "task")}
	f.set = optimist.Register(f.tasks, optimist.Mutation[task, task]{
		Type:  "set",
		Slot:  func(task) string { return "all" },
		Apply: func(_, a task) (task, error) { return a, nil },
		Send:  func(context.Context, optimist.Call[task]) (t optimist.Truth[task], err error) { return },
		Clone: func(a task) task { return a },
	})
	m.SetOnline(false)
	for i := range n {
		id := strconv.Itoa(i)
		f.ids = append(f.ids, id)
		f.tasks.Receive(id, optimist.TruthOf(task{Text: id, Hours: hoursOf(i)}, 1))
	}
	return f
}

func (f *field) tap(b testing.TB, id string, v task) {
	h, err := f.set.Execute(context.Background(), id, v)
	if err != nil {
		b.Fatal(err)
	}
	if f.after != nil {
		f.after(id, v)
	}
	h.Cancel()
	if f.after != nil {
		f.after(id, task{})
	}
}

func byHours(limit int) list.Query[task] {
	return list.Query[task]{Order: []list.Key[task]{list.Desc(func(_ string, v task) int { return v.Hours })}, Limit: limit}
}

func keepList(limit int) func(testing.TB, *field) {
	return func(b testing.TB, f *field) {
		l, err := list.New(f.tasks, byHours(limit))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(l.Close)
	}
}

func keepWatched(b testing.TB, f *field) {
	l, err := list.New(f.tasks, byHours(0))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(l.Close)
	go func() {
		for range l.Watch(context.Background()) {
		}
	}()
}

// keepByHand keeps a sorted slice, as a program without lists does after each tap.
func keepByHand(b testing.TB, f *field) {
	type row struct {
		id    string
		value task
	}
	var rows []row
	less := func(a, b row) int {
		if a.value.Hours != b.value.Hours {
			return b.value.Hours - a.value.Hours
		}
		if a.id < b.id {
			return -1
		}
		return 1
	}
	held := make(map[string]task)
	for _, id := range f.ids {
		v := f.tasks.View(id).Value
		held[id] = v
		rows = append(rows, row{id, v})
	}
	slices.SortFunc(rows, less)
	f.after = func(id string, _ task) {
		was, now := row{id, held[id]}, row{id, f.tasks.View(id).Value}
		find := func(r row) int {
			i, _ := slices.BinarySearchFunc(rows, r, func(a, b row) int {
				if a.id == b.id && a.value == b.value {
					return 0
				}
				return less(a, b)
			})
			return i
		}
		i := find(was)
		rows = slices.Delete(rows, i, i+1)
		rows = slices.Insert(rows, find(now), now)
		held[id] = now.value
	}
}

// A list that nobody watches costs its upkeep: a tap that moves a row makes its new key, and
// nothing else.
func TestAListThatNobodyWatchesAllocatesKeysAlone(t *testing.T) {
	tap := func(lists int, moves bool) float64 {
		f := newField(t, 1000)
		for range lists {
			keepList(0)(t, f)
		}
		i := 0
		return testing.AllocsPerRun(200, func() {
			id := i * 7 % 1000
			v := task{Text: "x", Hours: hoursOf(id)}
			if moves {
				v.Hours += 100 + i%3
			}
			f.tap(t, f.ids[id], v)
			i++
		})
	}
	alone := tap(0, true)
	equal(t, "allocations of ten lists in which nothing moves", tap(10, false), alone)
	if got := tap(10, true); got > alone+20 { // there and back
		t.Errorf("a tap that moves a row in ten lists: %v allocations, and %v without a list", got, alone)
	}
}

// BenchmarkLoad fills a list, and reads its first rows.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		f := newField(b, n)
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				l, err := list.New(f.tasks, byHours(0))
				if err != nil {
					b.Fatal(err)
				}
				l.Close()
			}
		})
		l, _ := list.New(f.tasks, byHours(0))
		b.Run(fmt.Sprintf("first-50/rows=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				for i, row := range l.Rows().All() {
					if i == 50 || row.ID == "" {
						break
					}
				}
			}
		})
		l.Close()
	}
}
