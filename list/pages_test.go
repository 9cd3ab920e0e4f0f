package list_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// feed is a desk whose server has tasks, in pages by hours, the most first.
type feed struct {
	*desk
	mu     sync.Mutex // guards has and clock, also in calls
	has    map[string]task
	clock  uint64 // counts changes: versions, and positions if placed
	placed bool
	size   int
	slow   time.Duration // between the moment of a page and its arrival
	fail   []error       // of the next fetches
	calls  int
}

func newFeed(t *testing.T, size int, hours map[string]int) *feed {
	f := &feed{desk: newDesk(t), has: make(map[string]task), size: size}
	for id, h := range hours {
		f.write(id, task{Text: id, Hours: h})
	}
	return f
}

func (f *feed) write(id string, v task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock++
	f.has[id] = v
}

func (f *feed) erase(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock++
	delete(f.has, id)
}

func (f *feed) truth(id string) optimist.Truth[task] {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := optimist.Gone[task](f.clock)
	if v, there := f.has[id]; there {
		t = optimist.TruthOf(v, f.clock)
	}
	if f.placed {
		t.Position = f.clock
	}
	return t
}

func (f *feed) push(id string) {
	synctest.Wait() // for calls that write to the server
	f.tasks.Receive(id, f.truth(id))
}

// accept has the server do as it is asked, with the value of the view.
func (f *feed) accept() {
	f.answer = func(id string) (optimist.Truth[task], error) {
		time.Sleep(time.Millisecond) // a test sees what it did before it has settled
		if v := f.tasks.View(id); v.Presence == optimist.Present {
			f.write(id, v.Value)
		} else {
			f.erase(id)
		}
		return f.truth(id), nil
	}
}

func (f *feed) fetch(ctx context.Context, after list.After[task], limit int) (list.Page[task], error) {
	page, err := f.page(after, limit)
	if err == nil {
		err = f.wait(ctx)
	}
	return page, err
}

func (f *feed) page(after list.After[task], limit int) (list.Page[task], error) {
	f.calls++
	if len(f.fail) > 0 {
		err := f.fail[0]
		f.fail = f.fail[1:]
		return list.Page[task]{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for id := range f.has {
		ids = append(ids, id)
	}
	order := func(a, b string) int { return cmp.Or(cmp.Compare(f.has[b].Hours, f.has[a].Hours), cmp.Compare(a, b)) }
	slices.SortFunc(ids, order)
	total := len(ids)
	page := list.Page[task]{Total: &total}
	if f.placed {
		page.Position = f.clock
	}
	for _, id := range ids {
		v := f.has[id]
		if after.ID != "" && cmp.Or(cmp.Compare(after.Value.Hours, v.Hours), cmp.Compare(id, after.ID)) <= 0 {
			continue
		}
		if len(page.Rows) == limit {
			return page, nil
		}
		page.Rows = append(page.Rows, list.Told[task]{ID: id, Truth: optimist.TruthOf(v, f.clock)})
		if f.placed {
			page.Rows[len(page.Rows)-1].Truth.Position = f.clock
		}
	}
	page.End = true
	return page, nil
}

func (f *feed) wait(ctx context.Context) error {
	select {
	case <-time.After(f.slow):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *feed) open() *list.List[task] {
	synctest.Wait()
	return f.list(list.Query[task]{Order: mostHours, Pages: f.fetch, PageSize: f.size})
}

var mostHours = []list.Key[task]{list.Desc(func(_ string, v task) int { return v.Hours })}

// follow checks that the splices of a list make its rows, at the end of the test.
func (f *feed) follow(l *list.List[task]) {
	ctx, stop := context.WithCancel(f.ctx)
	done := make(chan []list.Row[task])
	go func() {
		var rows []list.Row[task]
		for s := range l.Watch(ctx) {
			rows = s.Apply(rows)
		}
		done <- rows
	}()
	synctest.Wait()
	f.Cleanup(func() {
		synctest.Wait()
		stop()
		var want []list.Row[task]
		for _, row := range l.Rows().All() {
			want = append(want, row)
		}
		if err := same2(<-done, want); err != nil {
			f.Errorf("the splices make other rows: %v", err)
		}
	})
}

// begun follows a list, and has it load its first page.
func (f *feed) begun(l *list.List[task]) *list.List[task] {
	f.Helper()
	f.follow(l)
	must(f.T, l.More(f.ctx))
	return l
}

func same2(got, want []list.Row[task]) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("%v, want %v", got, want)
	}
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *feed) state(l *list.List[task], want string) {
	f.Helper()
	equal(f.T, "rows", shown(l.Rows()), want)
}

// inFeed runs a test with virtual time.
func inFeed(t *testing.T, size int, hours map[string]int, test func(f *feed)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, size, hours)
		f.accept()
		test(f)
	})
}

var five = map[string]int{"a": 9, "b": 7, "c": 5, "d": 3, "e": 1}

func TestPagesBringTheirRows(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		l := f.open()
		f.follow(l)
		f.state(l, "")
		equal(t, "more", l.Rows().State(), list.State{More: true})
		must(t, l.More(f.ctx))
		f.state(l, "a b")
		must(t, l.More(f.ctx))
		f.state(l, "a b c d")
		equal(t, "state", l.Rows().State(), list.State{More: true, Total: list.Total{N: 5, Known: true, Exact: true}})
		must(t, l.More(f.ctx))
		f.state(l, "a b c d e")
		equal(t, "more", l.Rows().State().More, false)
		calls := f.calls
		must(t, l.More(f.ctx))
		equal(t, "calls at the end", f.calls, calls)
	})
}

// A push moves a post whose own change is under way; the answer comes after it (TanStack/db#1792:
// the row jumps back between the two).
func TestScript_AnAnswerAfterThePush(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.begun(f.open())
		f.answer = func(id string) (optimist.Truth[task], error) {
			f.write(id, task{id, 8})
			told := f.truth(id)
			time.Sleep(time.Second)
			return told, nil
		}
		h, err := f.set.Execute(f.ctx, "e", task{"e", 8})
		must(t, err)
		f.state(l, "a e b c d")
		time.Sleep(time.Second / 2)
		f.push("e")
		f.state(l, "a e b c d")
		f.write("e", task{"e", 6}) // by somebody else, meanwhile
		f.push("e")
		f.state(l, "a e b c d")
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.state(l, "a b e c d")
	})
}

// A refetch whose read began before a creation was accepted comes back without it
// (instant#1626, sim#4582: the new row vanishes, and comes back).
func TestScript_ARefetchUnderAPendingCreate(t *testing.T) {
	inFeed(t, 3, five, func(f *feed) {
		l := f.begun(f.open())
		f.slow = 3 * time.Second
		go l.Refetch(f.ctx)
		synctest.Wait()
		time.Sleep(time.Second)
		h, err := f.add.Execute(f.ctx, "n", task{"n", 8})
		must(t, err)
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.state(l, "a n b c")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		f.state(l, "a n b c") // the page does not have it, and was read before
		equal(t, "total", l.Rows().State().Total, list.Total{N: 6, Known: true})

		must(t, l.Refetch(f.ctx)) // the edge is n b now; c lies behind it
		f.state(l, "a n b c")
		equal(t, "total", l.Rows().State().Total, list.Total{N: 6, Known: true, Exact: true})
		f.erase("n")
		must(t, l.Refetch(f.ctx))
		f.state(l, "a b c")
	})
}

// The last row of a page is deleted: the edge stays where it was, and the next page begins
// there (relay#293: the cursor of a row that is gone).
func TestScript_APageEdgeMovedByADelete(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		l := f.begun(f.open())
		h, err := f.remove.Execute(f.ctx, "b", "")
		must(t, err)
		f.state(l, "a")
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.write("x", task{"x", 8}) // before the edge: pushed, it is known
		f.push("x")
		f.write("y", task{"y", 6}) // behind it: hidden until its page comes
		f.push("y")
		f.state(l, "a x")
		must(t, l.More(f.ctx))
		f.state(l, "a x y c")
	})
}

// Only the order of a row changes, and it leaves the loaded range: its user sees it where it
// went while that is pending (TanStack/db#1444), and the refusal brings it back.
func TestScript_AnOrderOnlyChange(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		l := f.begun(f.open())
		h, err := f.set.Execute(f.ctx, "a", task{"a", 2})
		must(t, err)
		f.state(l, "b a")
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.state(l, "b") // behind the edge, between d and e, which are not loaded
		must(t, l.More(f.ctx))
		must(t, l.More(f.ctx))
		f.state(l, "b c d a e")
	})
}

// The middle one of three creations is refused (TanStack/db#1464: the others flicker, or are
// there twice).
func TestScript_ARefusedCreateBetweenTwoConfirmedOnes(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		f.placed = true
		l := f.begun(f.open())
		accept := f.answer
		f.answer = func(id string) (optimist.Truth[task], error) {
			time.Sleep(time.Second)
			if id == "m" {
				return optimist.Truth[task]{}, optimist.Fail(optimist.Permanent, errors.New("no"))
			}
			return accept(id)
		}
		var handles []*optimist.Handle
		for _, id := range []string{"l", "m", "n"} {
			h, err := f.add.Execute(f.ctx, id, task{id, 6})
			must(t, err)
			handles = append(handles, h)
		}
		f.state(l, "a b l m n c d e")
		equal(t, "total", l.Rows().State().Total, list.Total{N: 8, Known: true, Exact: true})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		f.state(l, "a b l m n c d e") // refused and parked: it waits for its user
		must(t, handles[1].Discard())
		f.state(l, "a b l n c d e")
		equal(t, "total", l.Rows().State().Total, list.Total{N: 7, Known: true, Exact: true})
		must(t, l.Refetch(f.ctx))
		f.state(l, "a b l n c d e")
		equal(t, "total", l.Rows().State().Total, list.Total{N: 7, Known: true, Exact: true})
	})
}

// A pending change takes a row out of a filter, and another one back in (TanStack/db PR#1839).
func TestScript_AFilterThatAPendingChangeLeavesAndEntersAgain(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.list(list.Query[task]{
			Where: func(_ string, v task) bool { return v.Text != "done" },
			Order: mostHours, Pages: f.fetch,
		})
		f.follow(l)
		must(t, l.More(f.ctx))
		f.m.SetOnline(false)
		_, err := f.set.Execute(f.ctx, "b", task{"done", 7})
		must(t, err)
		f.state(l, "a c d e")
		equal(t, "total", l.Rows().State().Total.N, 4)
		_, err = f.set.Execute(f.ctx, "b", task{"again", 7})
		must(t, err)
		f.state(l, "a b c d e")
		equal(t, "total", l.Rows().State().Total.N, 5)
		must(t, f.m.RollbackAll("task:b"))
		f.state(l, "a b c d e")
		equal(t, "total", l.Rows().State().Total, list.Total{N: 5, Known: true, Exact: true})
	})
}

func TestARowThatAPageLeavesOutIsExcluded(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		f.answer = func(string) (optimist.Truth[task], error) {
			time.Sleep(5 * time.Second)
			return optimist.Truth[task]{}, optimist.Fail(optimist.Permanent, errors.New("no"))
		}
		l, all := f.open(), f.list(list.Query[task]{Order: mostHours})
		f.follow(l)
		must(t, l.More(f.ctx))
		_, err := f.set.Execute(f.ctx, "c", task{"mine", 5})
		must(t, err)
		delete(f.has, "b")
		delete(f.has, "c")
		must(t, l.Refetch(f.ctx))
		f.state(l, "a c d e") // c has work of its user
		f.state(all, "a b c d e")
		f.m.RollbackAll("task:c")
		f.state(l, "a d e")
		time.Sleep(time.Second)
		f.write("b", task{"b", 4})
		f.push("b") // newer truth
		f.state(l, "a b d e"[:1]+" b d e")
	})
}

func TestRangesThatDoNotTouchAreDropped(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		l := f.begun(f.open())
		must(t, l.More(f.ctx))
		f.write("x", task{"x", 10})
		must(t, l.Refetch(f.ctx)) // x a: touches
		f.state(l, "x a b c d")
		f.write("y", task{"y", 20})
		f.write("z", task{"z", 19})
		f.write("w", task{"w", 18})
		must(t, l.Refetch(f.ctx)) // y z: w lies between
		f.state(l, "y z")
		must(t, l.More(f.ctx))
		f.state(l, "y z w x")
	})
}

func TestARefetchTakesThePlaceOfMore(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		l := f.begun(f.open())
		f.slow = time.Second
		more := make(chan error, 1)
		go func() { more <- l.More(f.ctx) }()
		synctest.Wait()
		equal(t, "loading", l.Rows().State().Loading, true)
		must(t, l.Refetch(f.ctx))
		must(t, <-more)
		f.state(l, "a b")
		equal(t, "loading", l.Rows().State().Loading, false)
	})
}

// A fetch does not heed its context, and comes back after the refetch that took its place.
func TestALatePageChangesNoRange(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		late := make(chan bool)
		deaf := false
		l := f.list(list.Query[task]{Order: mostHours, PageSize: 2, Pages: func(ctx context.Context, after list.After[task], limit int) (list.Page[task], error) {
			page, err := f.fetch(ctx, after, limit)
			if deaf {
				<-late
			}
			return page, err
		}})
		f.follow(l)
		must(t, l.More(f.ctx))
		deaf = true
		go l.More(f.ctx)
		synctest.Wait()
		deaf = false
		f.write("x", task{"x", 10})
		must(t, l.Refetch(f.ctx))
		f.state(l, "x a b")
		late <- true
		synctest.Wait()
		f.state(l, "x a b")
		equal(t, "truth", f.tasks.View("c").Presence, optimist.Present)
		equal(t, "the end of the list", l.Err(), nil)
	})
}

func TestALoadIsTriedAgainAndFails(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.open()
		f.follow(l)
		busy := errors.New("busy")
		f.fail = []error{busy, busy, optimist.Fail(optimist.Offline, busy)}
		began := time.Now()
		must(t, l.More(f.ctx))
		equal(t, "calls", f.calls, 4)
		if time.Since(began) < 3*time.Second {
			t.Errorf("no waits between tries")
		}
		f.fail = []error{optimist.Fail(optimist.Permanent, busy)}
		if err := l.Refetch(f.ctx); !errors.Is(err, busy) {
			t.Errorf("got %v", err)
		}
		equal(t, "failed", errors.Is(l.Rows().State().Failed, busy), true)
		f.state(l, "a b c d e")
		must(t, l.Refetch(f.ctx))
		equal(t, "failed", l.Rows().State().Failed, nil)
	})
}

func TestALoadEndsWithItsList(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.open()
		f.slow = time.Hour
		ended := make(chan error, 2)
		go func() { ended <- l.More(f.ctx) }()
		ctx, stop := context.WithTimeout(f.ctx, time.Second)
		defer stop()
		if err := l.More(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		l.Close()
		if err := <-ended; !errors.Is(err, optimist.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if err := l.More(f.ctx); !errors.Is(err, optimist.ErrClosed) {
			t.Errorf("got %v", err)
		}
		other := f.open()
		go func() { ended <- other.More(f.ctx) }()
		synctest.Wait()
		f.m.Close(f.ctx)
		if err := <-ended; !errors.Is(err, optimist.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWrongPagesAreErrors(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		open := func(pages list.Fetch[task]) *list.List[task] {
			return f.list(list.Query[task]{Pages: pages})
		}
		minus := -1
		if err := open(func(context.Context, list.After[task], int) (list.Page[task], error) {
			return list.Page[task]{Total: &minus}, nil
		}).More(f.ctx); !errors.Is(err, optimist.ErrInvalid) {
			t.Errorf("negative total: %v", err)
		}
		for name, rows := range map[string][]list.Told[task]{
			"no id":    {{Truth: optimist.TruthOf(task{}, 1)}},
			"no value": {{ID: "a"}},
			"many":     make([]list.Told[task], 1001),
		} {
			l := open(func(context.Context, list.After[task], int) (list.Page[task], error) {
				return list.Page[task]{Rows: rows}, nil
			})
			if err := l.More(f.ctx); !errors.Is(err, optimist.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var panicked *optimist.PanicError
		if err := open(func(context.Context, list.After[task], int) (list.Page[task], error) { panic("no") }).More(f.ctx); !errors.As(err, &panicked) {
			t.Errorf("panic: %v", err)
		}
		if err := open(func(context.Context, list.After[task], int) (list.Page[task], error) {
			runtime.Goexit()
			return list.Page[task]{}, nil
		}).More(f.ctx); !errors.As(err, &panicked) {
			t.Errorf("goexit: %v", err)
		}
		plain := f.list(list.Query[task]{})
		if err := plain.More(f.ctx); !errors.Is(err, optimist.ErrInvalid) || !strings.Contains(err.Error(), "Query.Pages") {
			t.Errorf("without pages: %v", err)
		}
		if err := plain.Refetch(nil); !errors.Is(err, optimist.ErrInvalid) {
			t.Errorf("without context: %v", err)
		}
	})
}

func TestAnEntityThatAListOfPagesHoldsIsNotForgotten(t *testing.T) {
	inFeed(t, 2, five, func(f *feed) {
		l := f.open()
		must(t, l.More(f.ctx))
		f.push("e")
		equal(t, "shown", f.tasks.Forget("a"), false)
		equal(t, "hidden", f.tasks.Forget("e"), true)
		l.Close()
		equal(t, "closed", f.tasks.Forget("a"), true)
	})
}
