package list_test

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
)

var (
	errRefused = errors.New("refused")
	errBusy    = errors.New("busy")
)

// origin is a server of one kind of entities, which answers by chance. The same seed is the same
// run: each entity has its own chance, and its answers come at moments of their own, so that
// nothing depends on the order of goroutines.
type origin[T any] struct {
	seed      uint64
	positions bool // it tells them
	history   *history

	mu       sync.Mutex // guards the fields below
	lucks    map[string]*rand.Rand
	taken    map[time.Time]bool // moments of answers to come
	versions uint64
	held     map[string]T
	places   map[string]uint64 // the version that each entity got last, which is its position
	ranks    map[string]int    // the server's own order
}

func newOrigin[T any](rnd *rand.Rand, h *history) *origin[T] {
	return &origin[T]{
		seed: rnd.Uint64(), positions: rnd.IntN(3) > 0, history: h,
		lucks: make(map[string]*rand.Rand), taken: make(map[time.Time]bool),
		held: make(map[string]T), places: make(map[string]uint64), ranks: make(map[string]int),
	}
}

// luckLocked is the chance of an entity, or of a group by its first one.
func (o *origin[T]) luckLocked(id string) *rand.Rand {
	if o.lucks[id] == nil {
		hash := fnv.New64a()
		hash.Write([]byte(id))
		o.lucks[id] = rand.New(rand.NewPCG(o.seed, hash.Sum64()))
	}
	return o.lucks[id]
}

// arrive has a call take its time. The test acts at whole milliseconds, and nobody else at the
// nanosecond behind them that is the entity's.
func (o *origin[T]) arrive(id string) {
	number, _ := strconv.Atoi(id[1:])
	switch id[0] {
	case 'p':
		number += 50
	case 's':
		number = 100 + 2*number
	case 'r':
		number = 101 + 2*number
	}
	now := time.Now()
	o.mu.Lock()
	until := now.Truncate(time.Millisecond).Add(time.Duration(1+o.luckLocked(id).IntN(2000))*time.Millisecond + time.Duration(1+number))
	for o.taken[until] {
		until = until.Add(time.Millisecond)
	}
	o.taken[until] = true
	o.mu.Unlock()
	time.Sleep(until.Sub(now))
	o.mu.Lock()
	delete(o.taken, until)
	o.mu.Unlock()
}

// serve has the server do something, or not.
func (o *origin[T]) serve(id string, do func(v T, there bool) (T, bool)) (optimist.Truth[T], error) {
	o.arrive(id)
	o.mu.Lock()
	defer o.mu.Unlock()
	luck := o.luckLocked(id)
	switch luck.IntN(8) {
	case 0:
		return optimist.Truth[T]{}, optimist.Fail(optimist.Permanent, errRefused)
	case 1:
		return optimist.Truth[T]{}, optimist.Fail(optimist.Transient, errBusy)
	case 2:
		return optimist.Truth[T]{}, optimist.Fail(optimist.Unknown, errBusy)
	}
	v, there := o.held[id]
	v, there = do(v, there)
	o.writeLocked(id, v, there)
	switch luck.IntN(4) {
	case 0:
		return optimist.AcceptedAt[T](o.places[id]), nil
	case 1:
		return optimist.Truth[T]{}, nil
	}
	return o.truthLocked(id), nil
}

// serveGroup has the server refuse a group by chance. It has it change nothing.
func (o *origin[T]) serveGroup(id string) error {
	o.arrive(id)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.luckLocked(id).IntN(3) == 0 {
		return optimist.Fail(optimist.Permanent, errRefused)
	}
	return nil
}

// placed is truth with its position, if the server tells it.
func (o *origin[T]) placed(t optimist.Truth[T], position uint64) optimist.Truth[T] {
	if o.positions && t.Version != 0 {
		t.Position = position
	}
	return t
}

func (o *origin[T]) truthLocked(id string) optimist.Truth[T] {
	t := optimist.Gone[T](o.places[id])
	if v, there := o.held[id]; there {
		t = optimist.TruthOf(v, o.places[id])
	}
	if o.luckLocked(id).IntN(3) == 0 {
		t.Era = o.history.now()
	}
	return o.placed(t, o.places[id])
}

func (o *origin[T]) writeLocked(id string, v T, there bool) {
	o.versions++
	o.places[id] = o.versions
	delete(o.held, id)
	if there {
		o.held[id] = v
		if _, ranked := o.ranks[id]; !ranked {
			o.ranks[id] = o.luckLocked(id).IntN(1000)
		}
	}
}

// shot is the server's state at one moment.
type shot[T any] struct {
	held    map[string]T
	places  map[string]uint64
	ranks   map[string]int
	version uint64
	era     uint64
}

func (o *origin[T]) shot() *shot[T] {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &shot[T]{
		held: maps.Clone(o.held), places: maps.Clone(o.places), ranks: maps.Clone(o.ranks),
		version: o.versions, era: o.history.now(),
	}
}

// told is what the server has, after somebody else's change if there is one.
func (o *origin[T]) told(id string, change *T) optimist.Truth[T] {
	o.mu.Lock()
	defer o.mu.Unlock()
	if change != nil {
		o.writeLocked(id, *change, true)
	}
	return o.truthLocked(id)
}

// rerank has the server rank an entity anew.
func (o *origin[T]) rerank(id string, rank int) {
	o.mu.Lock()
	o.ranks[id] = rank
	o.mu.Unlock()
}

// end has the server forget an entity.
func (o *origin[T]) end(id string) {
	var none T
	o.mu.Lock()
	o.writeLocked(id, none, false)
	o.mu.Unlock()
}

// served is the name by which the server knows an entity.
func served(id string) string {
	switch id[0] {
	case 'n':
		return "s" + id[1:]
	case 'q':
		return "r" + id[1:]
	}
	return id
}

// debounced is a debounce that ends between two milliseconds, when no fetch begins.
func debounced(typ string) optimist.Debounce {
	const between = 900 * time.Microsecond
	return optimist.Debounce{Wait: time.Duration(len(typ))*100*time.Millisecond + between, MaxWait: 2*time.Second + between}
}

// kind is a store, and types of operations that its server carries out.
type kind[T any] struct {
	*origin[T]
	store *optimist.Store[T]
}

func (k *kind[T]) register(typ string, kind optimist.Kind, failure optimist.FailurePolicy, do func(T, string) (T, error)) *optimist.Action[T, string] {
	return optimist.Register(k.store, optimist.Mutation[T, string]{
		Type: typ, Kind: kind, Slot: func(string) string { return typ }, Pessimistic: typ == "slow",
		Policy: optimist.Policy{Failure: failure, Debounce: debounced(typ)},
		Apply:  do, Stored: stored,
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[T], error) {
			return k.serve(c.Entity, func(v T, there bool) (T, bool) {
				if kind == optimist.Delete || kind == optimist.Change && !there {
					var none T
					return none, false
				}
				v, _ = do(v, c.Args)
				return v, true
			})
		},
	})
}

// born registers creations whose ids the server makes.
func (k *kind[T]) born(typ string, do func(T, string) (T, error)) *optimist.Action[T, string] {
	make := func(v T, args string) (T, error) { _, args, _ = strings.Cut(args, " "); return do(v, args) }
	return optimist.Register(k.store, optimist.Mutation[T, string]{
		Type: typ, Kind: optimist.Create, ServerID: true, Stored: stored,
		Policy: optimist.Policy{Failure: optimist.Park, Debounce: debounced(typ)}, Apply: make,
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[T], error) {
			first, _, _ := strings.Cut(c.Args, " ")
			t, err := k.serve(served(first), func(none T, _ bool) (T, bool) {
				v, _ := make(none, c.Args)
				return v, true
			})
			t.ID = served(first)
			return t, err
		},
	})
}

func (b *board) register() {
	title := func(c card, a string) (card, error) { c.Title = a; return c, nil }
	cards, people := &kind[card]{b.origin, b.cards}, &kind[human]{b.folk, b.people}
	b.create = cards.register("create", optimist.Create, optimist.Park, title)
	b.rename = cards.register("rename", optimist.Change, optimist.Park, title)
	b.slow = cards.register("slow", optimist.Change, optimist.Revert, title)
	b.like = cards.register("like", optimist.Change, optimist.Revert, func(c card, a string) (card, error) {
		c.Likes, _ = strconv.Atoi(a)
		c.Done = c.Likes%3 == 0
		return c, nil
	})
	b.remove = cards.register("remove", optimist.Delete, optimist.Park, nil)
	b.born = cards.born("born", title)

	name := func(p human, a string) (human, error) { p.Name = a; return p, nil }
	b.join = people.register("join", optimist.Create, optimist.Park, name)
	b.name = people.register("name", optimist.Change, optimist.Park, name)
	b.leave = people.register("leave", optimist.Delete, optimist.Revert, nil)
	b.bornPerson = people.born("born person", name)

	b.move = optimist.RegisterGroup(b.m, optimist.Group[[2]string]{
		Type: "move", Stored: storedPair, Policy: optimist.Policy{Debounce: debounced("move")},
		Parts: func(ids [2]string) []optimist.Part {
			add := func(n int) func(card) (card, error) {
				return func(c card) (card, error) { c.Likes += n; return c, nil }
			}
			return []optimist.Part{b.cards.Part(ids[0], add(-1)), b.cards.Part(ids[1], add(1))}
		},
		Send: b.sendGroup,
	})
	b.assign = optimist.RegisterGroup(b.m, optimist.Group[[2]string]{
		Type: "assign", Stored: storedPair, Policy: optimist.Policy{Debounce: debounced("assign")},
		Parts: func(ids [2]string) []optimist.Part {
			return []optimist.Part{
				b.cards.Part(ids[0], func(c card) (card, error) { c.Likes++; return c, nil }),
				b.people.Part(ids[1], func(p human) (human, error) { p.Cards++; return p, nil }),
			}
		},
		Send: b.sendGroup,
	})
}

func (b *board) sendGroup(_ context.Context, c optimist.Call[[2]string]) ([]optimist.EntityTruth, error) {
	return nil, b.serveGroup(served(c.Args[0]))
}
