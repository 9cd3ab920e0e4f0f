package optimist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/event"
)

// These tests run in real time, on as many threads as there are.

// desk is a server of switches, one per slot of one entity.
type desk struct {
	mu    sync.Mutex
	on    map[string]bool
	calls map[string]int
	now   map[string]int // calls under way, by entity
	twice atomic.Int32   // calls that met another one of their entity
}

func newDesk() *desk {
	return &desk{on: make(map[string]bool), calls: make(map[string]int), now: make(map[string]int)}
}

func (d *desk) switchTo(entity, slot string, on bool) {
	d.mu.Lock()
	if d.now[entity]++; d.now[entity] > 1 {
		d.twice.Add(1)
	}
	d.mu.Unlock()
	time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	d.mu.Lock()
	d.now[entity]--
	d.calls[entity+"/"+slot]++
	d.on[entity+"/"+slot] = on
	d.mu.Unlock()
}

// switches is an array of states of one entity: a user's slot is an index.
type switches [32]bool

const (
	tappers32    = 32
	tapsOfEach   = 10_000/tappers32 + 2
	tappedThings = 100
)

// Ten thousand taps from 32 goroutines, each a user, on 100 entities.
func TestRaceTenThousandTaps(t *testing.T) {
	t.Run("typed", func(t *testing.T) {
		d := newDesk()
		m := must(New(Options{Policy: Policy{Debounce: Debounce{Wait: time.Hour}}}))(t)
		store := NewStore[switches](m, "panel")
		user := func(name string) (n int) { fmt.Sscan(name, &n); return n }
		set := func(s switches, name string, on bool) switches { s[user(name)] = on; return s }
		toggle := RegisterToggle(store, Toggle[switches]{
			Type: "switch",
			Get:  func(s switches, name string) bool { return s[user(name)] },
			Set:  set,
			Send: func(_ context.Context, c Call[Switched]) (Truth[switches], error) {
				d.switchTo(c.Entity, c.Args.User, c.Args.On)
				return Truth[switches]{}, nil
			},
		})
		for i := range tappedThings {
			store.Receive(fmt.Sprint(i), TruthOf(switches{}, 0))
		}
		raceTaps(t, m, d, func(thing, who int) (*Handle, error) {
			return toggle.Toggle(context.Background(), fmt.Sprint(thing), fmt.Sprint(who))
		}, func(thing, who int) bool { return store.View(fmt.Sprint(thing)).Value[who] })
	})
	t.Run("closures", func(t *testing.T) {
		d := newDesk()
		m := must(New(Options{Policy: Policy{Debounce: Debounce{Wait: time.Hour}}}))(t)
		var mu sync.Mutex
		screen := make([]switches, tappedThings)
		raceTaps(t, m, d, func(thing, who int) (*Handle, error) {
			name := fmt.Sprint(who)
			return m.ExecuteToggle(context.Background(), ToggleUpdate{
				Type: "switch", Entity: fmt.Sprint(thing), User: name,
				Current: func() bool { mu.Lock(); defer mu.Unlock(); return screen[thing][who] },
				Apply: func(on bool) func() {
					mu.Lock()
					defer mu.Unlock()
					was := screen[thing][who]
					screen[thing][who] = on
					return func() { mu.Lock(); screen[thing][who] = was; mu.Unlock() }
				},
				Send: func(_ context.Context, on bool) (bool, error) {
					d.switchTo(fmt.Sprint(thing), name, on)
					return on, nil
				},
			})
		}, func(thing, who int) bool { mu.Lock(); defer mu.Unlock(); return screen[thing][who] })
	})
}

func raceTaps(t *testing.T, m *Manager, d *desk, tap func(thing, who int) (*Handle, error), shown func(thing, who int) bool) {
	sub := m.Subscribe(SubscribeOptions{Buffer: 200_000})
	var intents [tappedThings][tappers32]bool // each written by one goroutine
	handles := make([]map[*Handle]bool, tappers32)
	// The first half is one burst; the second comes while the calls of the first are
	// under way, and is the other.
	var wait, flushed sync.WaitGroup
	for half := range 2 {
		for who := range tappers32 {
			if half == 0 {
				handles[who] = make(map[*Handle]bool)
			}
			wait.Go(func() {
				random := rand.New(rand.NewPCG(uint64(who), uint64(half)))
				for range tapsOfEach / 2 {
					thing := random.IntN(tappedThings)
					h, err := tap(thing, who)
					if err != nil {
						t.Error(err)
						return
					}
					handles[who][h] = true
					intents[thing][who] = !intents[thing][who]
				}
			})
		}
		if half == 0 {
			wait.Wait()
			flushed.Go(func() { m.Flush(context.Background()) })
		}
	}
	wait.Wait()
	if err := m.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	flushed.Wait()
	for thing := range tappedThings {
		for who := range tappers32 {
			slot := fmt.Sprintf("%d/%d", thing, who)
			if want := intents[thing][who]; d.on[slot] != want || shown(thing, who) != want {
				t.Fatalf("%s: wanted %v, the server has %v, shown is %v", slot, want, d.on[slot], shown(thing, who))
			}
			if d.calls[slot] > 2 {
				t.Errorf("%s: %d calls for two bursts", slot, d.calls[slot])
			}
		}
	}
	if n := d.twice.Load(); n > 0 {
		t.Errorf("%d times two calls of one entity were under way", n)
	}
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	ends := make(map[string]int)
	for ev := range sub.All(context.Background()) {
		if ev.Kind == event.Settled {
			ends[ev.ID]++
		}
		if ev.Kind == event.Gap {
			t.Fatal("the test missed events")
		}
	}
	for who := range handles {
		for h := range handles[who] {
			if _, ok := h.Result(); !ok || ends[h.ID()] != 1 {
				t.Fatalf("a handle settled %d times (%v)", ends[h.ID()], ok)
			}
		}
	}
}

// Everything at once, both doors on shared entities. What can be said of the end:
// every handle has settled, views are what the server holds, nothing is left.
func TestRaceChaos(t *testing.T) {
	ctx := context.Background()
	d := newDesk()
	m := must(New(Options{Policy: Policy{
		Debounce: Debounce{Wait: 500 * time.Microsecond},
		Retry:    Retry{Base: time.Millisecond, Cap: 5 * time.Millisecond, Max: 20, Timeout: 20 * time.Millisecond},
	}}))(t)
	store := NewStore[switches](m, "panel")
	var version [10]atomic.Uint64
	fails := func(r int) error {
		switch r {
		case 0:
			return errBusy
		case 1:
			return Fail(Offline, errBusy)
		case 2:
			return Fail(Unknown, errBusy)
		case 3:
			return errNever
		}
		return nil
	}
	toggle := RegisterToggle(store, Toggle[switches]{
		Type: "switch",
		Get:  func(s switches, name string) bool { return s[len(name)] },
		Set:  func(s switches, name string, on bool) switches { s[len(name)] = on; return s },
		Send: func(_ context.Context, c Call[Switched]) (Truth[switches], error) {
			if err := fails(rand.IntN(12)); err != nil {
				return Truth[switches]{}, err
			}
			d.switchTo(c.Entity, c.Args.User, c.Args.On)
			return Truth[switches]{}, nil
		},
		OnSuccess: func(Switched, Result) { m.PendingCount("panel:1") },
		OnError:   func(Switched, Result) { m.HasPending("panel:1") },
	})
	var screen [10]atomic.Bool
	users := []string{"", "a", "aa", "aaa"}
	things := 10
	for i := range things {
		store.Receive(fmt.Sprint(i), TruthOf(switches{}, version[i].Add(1)))
	}

	var mu sync.Mutex
	var handles []*Handle
	keep := func(h *Handle, err error) {
		if err != nil {
			if !errors.Is(err, ErrQueueFull) {
				t.Error(err)
			}
			return
		}
		mu.Lock()
		handles = append(handles, h)
		mu.Unlock()
	}
	some := func() *Handle {
		mu.Lock()
		defer mu.Unlock()
		if len(handles) == 0 {
			return nil
		}
		return handles[rand.IntN(len(handles))]
	}
	acts := []func(id string, n int){
		func(id string, _ int) { keep(toggle.Toggle(ctx, id, users[rand.IntN(4)])) },
		func(id string, _ int) { keep(toggle.Set(ctx, id, users[rand.IntN(4)], rand.IntN(2) == 0)) },
		func(id string, n int) {
			keep(m.ExecuteToggle(ctx, ToggleUpdate{
				Type: "screen", Entity: "panel:" + id, User: "u",
				Current: screen[n].Load,
				Apply:   func(on bool) func() { was := screen[n].Swap(on); return func() { screen[n].Store(was) } },
				Send:    func(context.Context, bool) (bool, error) { return rand.IntN(2) == 0, fails(rand.IntN(12)) },
			}))
		},
		func(id string, _ int) {
			if h := some(); h != nil {
				keep(toggle.Execute(ctx, id, Switched{User: users[rand.IntN(4)], On: true}))
				h.Cancel()
				h.State()
				h.Result()
				<-time.After(time.Microsecond)
			}
		},
		func(id string, _ int) { m.RollbackAll("panel:" + id) },
		func(id string, n int) {
			store.Receive(id, TruthOf(switches{rand.IntN(2) == 0}, version[n].Add(1)))
		},
		func(string, int) { m.SetOnline(rand.IntN(4) > 0) },
		func(string, int) { m.RetryNow() },
		func(string, int) { m.Snapshot() },
		func(id string, _ int) {
			sub := m.Subscribe(SubscribeOptions{Entity: "panel:" + id, Buffer: 8, Args: true})
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			for range sub.All(short) {
			}
			cancel()
			sub.Close()
		},
		func(id string, _ int) {
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			for range store.Watch(short, id) {
			}
			cancel()
		},
		func(id string, _ int) { store.View(id) },
		func(string, int) {
			if rand.IntN(20) == 0 {
				m.ClearAll()
			}
		},
		func(string, int) {
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			m.Flush(short)
			cancel()
		},
	}
	rounds := 1000
	if testing.Short() {
		rounds = 200
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range rounds {
				n := rand.IntN(things)
				acts[rand.IntN(len(acts))](fmt.Sprint(n), n)
			}
		})
	}
	wait.Wait()
	m.SetOnline(true)
	if err := m.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for _, h := range handles {
		if _, ok := h.Result(); !ok {
			t.Fatalf("%s of %s is unsettled", h.Type(), h.Entity())
		}
	}
	if n := m.Snapshot(); n.Pending != 0 || n.InFlight != 0 {
		t.Errorf("%+v", n)
	}
	for i := range things { // the server has the last word
		id := fmt.Sprint(i)
		last := switches{i%2 == 0}
		store.Receive(id, TruthOf(last, version[i].Add(1)))
		if v := store.View(id); v.Value != last || v.Pending != 0 {
			t.Errorf("%s shows %+v", id, v)
		}
	}
	if n := d.twice.Load(); n > 0 {
		t.Errorf("%d times two calls of one entity were under way", n)
	}
	if err := m.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if left := goroutines(); left != "" || closureLogs(m) != 0 {
		t.Errorf("%d closure logs are left, and goroutines:\n%s", closureLogs(m), left)
	}
}

// Close against everything that may be under way.
func TestRaceClose(t *testing.T) {
	for range 50 {
		d := newDesk()
		m := must(New(Options{Policy: Policy{Debounce: Debounce{Wait: NoDebounce}, Retry: Retry{Base: time.Millisecond}}}))(t)
		store := NewStore[switches](m, "panel")
		rename := Register(store, Mutation[switches, int]{
			Type: "flip", Kind: Create,
			Apply: func(s switches, i int) (switches, error) { s[i] = true; return s, nil },
			Send: func(ctx context.Context, c Call[int]) (Truth[switches], error) {
				d.switchTo(c.Entity, fmt.Sprint(c.Args), true)
				return Truth[switches]{}, nil
			},
		})
		var wait sync.WaitGroup
		var settled, accepted atomic.Int32
		for who := range 4 {
			wait.Go(func() {
				for i := range 50 {
					h, err := rename.Execute(context.Background(), fmt.Sprint(i%5), who)
					if errors.Is(err, ErrClosed) {
						return
					}
					accepted.Add(1)
					wait.Go(func() {
						if _, err := h.Wait(context.Background()); err == nil {
							settled.Add(1)
						}
					})
					_, err = m.Execute(context.Background(), Update{
						Type: "u", Entity: fmt.Sprint(i % 5), Apply: func() func() { return nil },
						Send: func(context.Context) error { return nil },
					})
					if err != nil && !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if err := m.Close(short); err != nil && !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
		cancel()
		wait.Wait()
		if settled.Load() != accepted.Load() {
			t.Fatalf("%d were accepted, %d settled", accepted.Load(), settled.Load())
		}
	}
}
