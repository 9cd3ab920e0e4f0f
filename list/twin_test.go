package list_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/jsonstored"
	"github.com/optimist-go/optimist/list"
	"github.com/optimist-go/optimist/memjournal"
)

var (
	steps = flag.Int("list.steps", 4_000, "random steps of TestTwin")
	seed  = flag.Uint64("list.seed", 0, "of TestTwin; 0: another one each time")
)

type card struct {
	Title string
	Likes int
	Done  bool
}

// board is a manager with a server that answers by chance, and lists of its cards.
type board struct {
	*testing.T
	ctx   context.Context
	rnd   *rand.Rand
	m     *optimist.Manager
	cards *optimist.Store[card]
	ids   []string

	mu       sync.Mutex // guards the server's side
	luck     *rand.Rand
	versions uint64
	held     map[string]card
	places   map[string]uint64 // the version that each entity got last, which is its position

	disk      memjournal.Disk
	oracle    *oracle
	positions bool // the server tells them
	births    int
	resets    int // of slow watchers

	born                               *optimist.Action[card, string]
	create, rename, like, slow, remove *optimist.Action[card, string]
	move                               *optimist.GroupAction[[2]string]
	handles                            []*optimist.Handle
}

var (
	errRefused = errors.New("refused")
	errBusy    = errors.New("busy")
)

func newBoard(t *testing.T, rnd *rand.Rand) *board {
	b := &board{T: t, ctx: context.Background(), rnd: rnd, luck: rand.New(rand.NewPCG(rnd.Uint64(), 2)), held: make(map[string]card)}
	b.places, b.positions = make(map[string]uint64), rnd.IntN(3) > 0
	for i := range 30 {
		b.ids = append(b.ids, "c"+strconv.Itoa(i))
	}
	b.start()
	return b
}

// start begins a life of the program.
func (b *board) start() {
	journal, err := b.disk.Open()
	if err != nil {
		b.Fatal(err)
	}
	if b.m, err = optimist.New(optimist.Options{ClientID: "twin", Journal: journal, Policy: optimist.Policy{Retry: optimist.Retry{Jitter: -1}}}); err != nil {
		b.Fatal(err)
	}
	b.cards, b.handles = optimist.NewStore[card](b.m, "card"), nil
	b.register()
	b.registerBorn()
	b.oracle = &oracle{now: make(map[string]toldChange)}
	if _, err := b.cards.AddIndex(b.oracle); err != nil {
		b.Fatal(err)
	}
}

// restore takes up the work of the life before.
func (b *board) restore() {
	restored, err := b.m.Restore()
	if err != nil {
		b.Fatal(err)
	}
	b.handles = restored.Operations
}

var stored = jsonstored.Of[string](1)

// placed is truth with its position, if the server tells it.
func (b *board) placed(t optimist.Truth[card], position uint64) optimist.Truth[card] {
	if b.positions && t.Version != 0 {
		t.Position = position
	}
	return t
}

// serve has the server do something, or not.
func (b *board) serve(ctx context.Context, id string, do func(c card, there bool) (card, bool)) (optimist.Truth[card], error) {
	b.Helper()
	time.Sleep(time.Duration(b.chance(2000)) * time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.luck.IntN(8) {
	case 0:
		return optimist.Truth[card]{}, optimist.Fail(optimist.Permanent, errRefused)
	case 1:
		return optimist.Truth[card]{}, optimist.Fail(optimist.Transient, errBusy)
	case 2:
		return optimist.Truth[card]{}, optimist.Fail(optimist.Unknown, errBusy)
	}
	c, there := b.held[id]
	c, there = do(c, there)
	b.writeLocked(id, c, there)
	switch b.luck.IntN(4) {
	case 0:
		return optimist.AcceptedAt[card](b.places[id]), nil
	case 1:
		return optimist.Truth[card]{}, nil
	}
	return b.truthLocked(id), nil
}

// chance is a number below n, for the server.
func (b *board) chance(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.luck.IntN(n)
}

func (b *board) truthLocked(id string) optimist.Truth[card] {
	t := optimist.Gone[card](b.places[id])
	if c, there := b.held[id]; there {
		t = optimist.TruthOf(c, b.places[id])
	}
	return b.placed(t, b.places[id])
}

func (b *board) writeLocked(id string, c card, there bool) {
	b.versions++
	b.places[id] = b.versions
	delete(b.held, id)
	if there {
		b.held[id] = c
	}
}

func (b *board) register() {
	def := func(typ string, kind optimist.Kind, failure optimist.FailurePolicy, do func(card, string) (card, error)) *optimist.Action[card, string] {
		return optimist.Register(b.cards, optimist.Mutation[card, string]{
			Type: typ, Kind: kind, Slot: func(string) string { return typ }, Pessimistic: typ == "slow",
			Policy: optimist.Policy{Failure: failure, Debounce: optimist.Debounce{Wait: time.Duration(len(typ)) * 100 * time.Millisecond}},
			Apply:  do, Stored: stored,
			Send: func(ctx context.Context, c optimist.Call[string]) (optimist.Truth[card], error) {
				return b.serve(ctx, c.Entity, func(v card, there bool) (card, bool) {
					if kind == optimist.Delete || kind == optimist.Change && !there {
						return card{}, false
					}
					v, _ = do(v, c.Args)
					return v, true
				})
			},
		})
	}
	title := func(c card, a string) (card, error) { c.Title = a; return c, nil }
	b.create = def("create", optimist.Create, optimist.Park, title)
	b.rename = def("rename", optimist.Change, optimist.Park, title)
	b.slow = def("slow", optimist.Change, optimist.Revert, title)
	b.like = def("like", optimist.Change, optimist.Revert, func(c card, a string) (card, error) {
		c.Likes, _ = strconv.Atoi(a)
		c.Done = c.Likes%3 == 0
		return c, nil
	})
	b.remove = def("remove", optimist.Delete, optimist.Park, nil)
	b.move = optimist.RegisterGroup(b.m, optimist.Group[[2]string]{
		Type: "move", Stored: jsonstored.Of[[2]string](1),
		Parts: func(ids [2]string) []optimist.Part {
			add := func(n int) func(card) (card, error) {
				return func(c card) (card, error) { c.Likes += n; return c, nil }
			}
			return []optimist.Part{b.cards.Part(ids[0], add(-1)), b.cards.Part(ids[1], add(1))}
		},
		Send: func(ctx context.Context, c optimist.Call[[2]string]) ([]optimist.EntityTruth, error) {
			time.Sleep(time.Second)
			if b.chance(3) == 0 {
				return nil, optimist.Fail(optimist.Permanent, errRefused)
			}
			return nil, nil
		},
	})
}

// push tells what the server has, after somebody else's change if there is one.
func (b *board) push(id string, change *card) {
	b.mu.Lock()
	if strings.HasPrefix(id, "n") { // the server knows it by its own name alone
		id = "s" + id[1:]
	}
	if change != nil {
		b.writeLocked(id, *change, true)
	}
	t := b.truthLocked(id)
	b.mu.Unlock()
	b.cards.Receive(id, t)
}

// step does something, and says what.
func (b *board) step() string {
	id := b.ids[b.rnd.IntN(len(b.ids))]
	note := func(h *optimist.Handle, err error) {
		if h != nil && err == nil {
			b.handles = append(b.handles, h)
		}
	}
	handle := func() *optimist.Handle {
		if len(b.handles) == 0 {
			return nil
		}
		i := b.rnd.IntN(len(b.handles))
		h := b.handles[i]
		b.handles = slices.Delete(b.handles, i, i+1)
		return h
	}
	words := []string{"a", "b", "b\x00", "", "cc", "c"}
	switch n := b.rnd.IntN(25); n {
	case 0, 1:
		id = b.ids[b.rnd.IntN(30)] // of the ids that the client makes
		note(b.create.Execute(b.ctx, id, words[b.rnd.IntN(len(words))]))
		return "create " + id
	case 2, 3:
		note(b.rename.Execute(b.ctx, id, words[b.rnd.IntN(len(words))]))
		return "rename " + id
	case 4, 5, 6:
		note(b.like.Execute(b.ctx, id, strconv.Itoa(b.rnd.IntN(9)-4)))
		return "like " + id
	case 7:
		note(b.remove.Execute(b.ctx, id, ""))
		return "remove " + id
	case 8:
		note(b.slow.Execute(b.ctx, id, "slow"))
		return "slow " + id
	case 9:
		other := b.ids[b.rnd.IntN(len(b.ids))]
		note(b.move.Execute(b.ctx, [2]string{id, other}))
		return "move " + id + " " + other
	case 10, 11:
		b.push(id, nil)
		return "receive " + id
	case 12:
		b.push(id, &card{Title: words[b.rnd.IntN(len(words))], Likes: b.rnd.IntN(9)})
		return "push " + id
	case 13:
		b.cards.Forget(id)
		return "forget " + id
	case 14:
		if h := handle(); h != nil {
			h.Cancel()
		}
		return "cancel"
	case 15:
		if h := handle(); h != nil {
			if b.rnd.IntN(2) == 0 {
				h.Retry()
			} else {
				h.Discard()
			}
		}
		return "decide"
	case 16:
		if b.rnd.IntN(10) == 0 {
			b.m.ClearAll()
			return "clear all"
		}
		b.m.RollbackAll("card:" + id)
		return "roll back " + id
	case 17:
		b.m.SetOnline(b.rnd.IntN(3) > 0)
		return "line"
	case 18:
		var plans []optimist.Planned
		for range 3 {
			plans = append(plans, b.like.Plan(b.ids[b.rnd.IntN(len(b.ids))], strconv.Itoa(b.rnd.IntN(9))))
		}
		b.m.Batch(b.ctx, plans...)
		return "batch"
	case 19:
		b.births++
		id := "n" + strconv.Itoa(b.births)
		b.ids = append(b.ids, id)
		note(b.born.Execute(b.ctx, id, strconv.Itoa(b.births)+" "+words[b.rnd.IntN(len(words))]))
		return "born " + id
	case 20:
		if len(b.ids) < 36 {
			return "none"
		}
		id := b.ids[30] // the oldest one whose id the server made
		b.ids = slices.Delete(b.ids, 30, 31)
		b.mu.Lock()
		b.writeLocked("s"+id[1:], card{}, false)
		b.mu.Unlock()
		b.push(id, nil)
		b.cards.Forget(id)
		return "gone " + id
	}
	time.Sleep(time.Duration(b.rnd.IntN(1500)) * time.Millisecond)
	synctest.Wait()
	return "time"
}

// watched is a list, what it should have, and watchers that apply its splices.
type watched struct {
	name  string
	query list.Query[card]
	less  func(a, b list.Row[card]) int
	paper *paper // of a list of pages; else nil
	list  *list.List[card]
	quick *follower
	slow  *follower
}

// follower applies splices as fast as the test lets it.
type follower struct {
	rows   []list.Row[card]
	total  int
	step   uint64
	state  list.State
	resets int
	next   func() (list.Splice[card], bool)
	stop   func()
}

// naive folds the query over the views.
func (b *board) naive(w *watched) (rows []list.Row[card], total int) {
	for id := range b.oracle.now {
		if row, truth, ok := b.candidate(w, id); ok && (w.paper == nil || b.known(w, row, truth)) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, w.order)
	total = len(rows)
	if n := w.query.Limit; n > 0 {
		rows = rows[:min(n, total)]
	}
	return rows, total
}

func lists() []*watched {
	likes := func(_ string, c card) int { return c.Likes }
	title := func(_ string, c card) string { return c.Title }
	byLikes := func(a, b list.Row[card]) int { return cmp.Compare(a.View.Value.Likes, b.View.Value.Likes) }
	byTitle := func(a, b list.Row[card]) int { return cmp.Compare(a.View.Value.Title, b.View.Value.Title) }
	none := func(a, b list.Row[card]) int { return 0 }
	return []*watched{
		{name: "all", less: none},
		{name: "likes down, title up", query: list.Query[card]{Order: []list.Key[card]{list.Desc(likes), list.Asc(title)}},
			less: func(a, b list.Row[card]) int { return cmp.Or(-byLikes(a, b), byTitle(a, b)) }},
		{name: "open, title down", query: list.Query[card]{Where: func(_ string, c card) bool { return !c.Done }, Order: []list.Key[card]{list.Desc(title)}, Limit: 5},
			less: func(a, b list.Row[card]) int { return -byTitle(a, b) }},
		{name: "three", query: list.Query[card]{Order: []list.Key[card]{list.Asc(likes)}, Limit: 3}, less: byLikes},
	}
}

// TestTwin compares lists with the views of a store after each of many random steps, and the
// rows that splices make with the rows.
func TestTwin(t *testing.T) {
	n := *seed
	if n == 0 {
		n = rand.Uint64N(1 << 40)
	}
	t.Logf("seed %d", n)
	synctest.Test(t, func(t *testing.T) {
		b := newBoard(t, rand.New(rand.NewPCG(n, 1)))
		all, stop := b.open()
		var last []string
		for i := range *steps {
			time.Sleep(time.Millisecond + 1) // no two steps are of one moment
			synctest.Wait()
			b.drain(all)
			for _, w := range all {
				b.look(w)
			}
			b.oracle.handOver()
			var said string
			switch k := b.rnd.IntN(4000); {
			case k == 0 || i == 100:
				stop()
				b.restart()
				all, stop = b.open()
				said = "restart"
			case k < 750:
				w := all[len(all)-1-b.rnd.IntN(3)]
				said = b.turn(w)
			default:
				said = b.step()
			}
			synctest.Wait() // a call that was taken back may end
			b.drain(all)
			if last = append(last, said); len(last) > 12 {
				last = last[1:]
			}
			for _, w := range all {
				if err := b.check(w, i); err != nil {
					t.Fatalf("seed %d, step %d, after %q: list %q: %v", n, i, last, w.name, err)
				}
			}
			b.oracle.handOver()
		}
		stop()
		if b.resets == 0 {
			t.Errorf("no slow watcher fell behind")
		}
		b.m.SetOnline(true)
		b.m.ClearAll()
		b.m.Close(b.ctx)
	})
}

// open makes the lists of a life. The function that it returns closes them.
func (b *board) open() (all []*watched, stop func()) {
	all = append(lists(), b.pagedLists()...)
	ctx, end := context.WithCancel(b.ctx)
	for _, w := range all {
		l, err := list.New(b.cards, w.query)
		if err != nil {
			b.Fatal(err)
		}
		w.list = l
		w.quick, w.slow = follow(ctx, l), follow(ctx, l)
		w.slow.catchUp(l.Rows())
	}
	b.oracle.past = nil
	return all, func() {
		end()
		for _, w := range all {
			if w.quick.resets != 1 {
				b.Errorf("the quick watcher of %q got %d resets", w.name, w.quick.resets)
			}
			b.resets += max(w.slow.resets-1, 0)
			w.quick.stop()
			w.slow.stop()
			w.list.Close()
		}
	}
}

// restart ends the life of the program, and begins another one with its journal.
func (b *board) restart() {
	ctx, stop := context.WithCancel(b.ctx)
	stop()
	b.m.Close(ctx)
	b.start()
	b.restore()
}

// check compares a list and its watchers with the naive list.
func (b *board) check(w *watched, step int) error {
	want, total := b.naive(w)
	rows := w.list.Rows()
	if err := compare(rows, want, total); err != nil {
		return fmt.Errorf("%+v: %w", rows.State(), err)
	}
	state := rows.State()
	if w.paper != nil {
		if state.Total != b.total(w) {
			return fmt.Errorf("total %+v, want %+v", state.Total, b.total(w))
		}
		if more := w.paper.more(); state.More != more {
			return fmt.Errorf("more %v, want %v", state.More, more)
		}
	}
	w.quick.catchUp(rows)
	if err := same(w.quick.rows, want); err != nil || w.quick.total != total || w.quick.state != state {
		return fmt.Errorf("quick watcher: %v, total %d, state %+v, want %+v", err, w.quick.total, w.quick.state, state)
	}
	if step%1000 == 999 { // more splices than a list keeps
		w.slow.catchUp(rows)
		if err := same(w.slow.rows, want); err != nil {
			return fmt.Errorf("slow watcher: %w", err)
		}
	}
	return nil
}

func follow(ctx context.Context, l *list.List[card]) *follower {
	f := &follower{}
	f.next, f.stop = iter.Pull(l.Watch(ctx))
	return f
}

// catchUp applies splices until the rows are of the same step.
func (f *follower) catchUp(rows list.Rows[card]) {
	for f.resets == 0 || f.step < rows.Step() || f.state != rows.State() {
		s, ok := f.next()
		if !ok {
			return
		}
		if s.Reset {
			f.resets++
		}
		f.rows, f.total, f.step, f.state = s.Apply(f.rows), s.Total, s.Step, s.State
	}
}

func compare(rows list.Rows[card], want []list.Row[card], total int) error {
	var got []list.Row[card]
	for i, row := range rows.All() {
		if i != len(got) || !reflect.DeepEqual(rows.At(i), row) {
			return fmt.Errorf("row %d is not the one that All has", i)
		}
		got = append(got, row)
	}
	if rows.Total() != total || rows.Len() != len(got) {
		return fmt.Errorf("total %d, length %d, want %d and %d", rows.Total(), rows.Len(), total, len(got))
	}
	return same(got, want)
}

func same(got, want []list.Row[card]) error {
	if len(got) == 0 && len(want) == 0 || reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("rows\n%+v\nwant\n%+v", got, want)
}
