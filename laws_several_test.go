package optimist

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/internal/engine"
)

// shelf is what groups of marks change: the marks that it has, one of each group.
type shelf = names

// marking are two stores of three shelves each, and a server with the same. A group puts a
// mark on several of them.
type marking struct {
	m      *Manager
	stores [2]*Store[shelf]
	mark   *GroupAction[marks]

	mu       sync.Mutex
	fails    func() error // of a call, before it has an effect
	have     [2][3]shelf
	contains [2][3][]string
	versions [2][3]uint64
	says     func(at shelfAt) bool // whether an answer tells of it; nil: of all
}

type shelfAt struct{ store, shelf int }

type marks struct {
	Mark string
	On   []shelfAt
}

func newMarking(t *testing.T, opts Options) *marking {
	k := &marking{m: must(New(opts))(t)}
	k.stores[0], k.stores[1] = NewStore[shelf](k.m, "left"), NewStore[shelf](k.m, "right")
	k.mark = RegisterGroup(k.m, Group[marks]{
		Type: "mark",
		Parts: func(a marks) (parts []Part) {
			for _, at := range a.On {
				parts = append(parts, k.stores[at.store].Part(fmt.Sprint(at.shelf), func(s shelf) (shelf, error) { return s.with(a.Mark), nil }))
			}
			return parts
		},
		Send: k.serve,
	})
	for s := range 2 {
		for i := range 3 {
			k.push(shelfAt{s, i}, false)
		}
	}
	return k
}

func (k *marking) serve(ctx context.Context, c Call[marks]) (told []EntityTruth, err error) {
	if err := sleep(ctx, 10*time.Millisecond, false); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails != nil {
		if err := k.fails(); err != nil {
			return nil, err
		}
	}
	for _, at := range c.Args.On {
		k.have[at.store][at.shelf] = k.have[at.store][at.shelf].with(c.Args.Mark)
		k.contains[at.store][at.shelf] = append(k.contains[at.store][at.shelf], c.ID)
		k.versions[at.store][at.shelf]++
		if k.says == nil || k.says(at) {
			told = append(told, k.stores[at.store].EntityTruth(fmt.Sprint(at.shelf), k.truthLocked(at, false)))
		}
	}
	return told, nil
}

func (k *marking) truthLocked(at shelfAt, contains bool) Truth[shelf] {
	t := TruthOf(k.have[at.store][at.shelf], k.versions[at.store][at.shelf]+1)
	if contains {
		t.Contains = append([]string(nil), k.contains[at.store][at.shelf]...)
	}
	return t
}

// push tells the truth of one shelf, and perhaps what it contains.
func (k *marking) push(at shelfAt, contains bool) {
	k.mu.Lock()
	t := k.truthLocked(at, contains)
	k.mu.Unlock()
	k.stores[at.store].Receive(fmt.Sprint(at.shelf), t)
}

// read is what one consistent read shows.
func (k *marking) read(t *testing.T) (shown map[string]View[shelf]) {
	var views [2][3]View[shelf]
	var all []Into
	for s := range views {
		for i := range views[s] {
			all = append(all, k.stores[s].Into(fmt.Sprint(i), &views[s][i]))
		}
	}
	if err := k.m.Views(all...); err != nil {
		t.Error(err)
	}
	shown = make(map[string]View[shelf])
	for s, name := range []string{"left", "right"} {
		for i, v := range views[s] {
			shown[fmt.Sprintf("%s:%d", name, i)] = v
		}
	}
	return shown
}

// A reader between every two steps sees each unsettled group in all its entities.
func TestLaw42_AnUnsettledGroupIsSeenWholeBetweenAllSteps(t *testing.T) {
	for seed := range uint64(20) {
		inWorld(t, instant, func(t *testing.T, w *world) {
			random := rand.New(rand.NewPCG(seed, 42))
			k := newMarking(t, instant)
			chance := rand.New(rand.NewPCG(seed, 43)) // the server's own
			k.says = func(shelfAt) bool { return chance.IntN(2) == 0 }
			k.fails = func() error { return []error{nil, nil, nil, errNever, errBusy}[chance.IntN(5)] }
			checked, steps := afterStep, 0
			defer func() {
				k.m.ClearAll()
				k.m.Close(w.ctx)
				afterStep = checked
			}()
			afterStep = func(e *engine.Engine) {
				checked(e)
				if steps++; e == k.m.engine {
					k.wholeLocked(t)
				}
			}
			anywhere := func() shelfAt { return shelfAt{random.IntN(2), random.IntN(3)} }
			var all []*Handle
			for i := range 60 {
				switch random.IntN(5) {
				case 0:
					k.push(anywhere(), random.IntN(2) == 0)
				case 1:
					if len(all) > 0 {
						all[random.IntN(len(all))].Cancel()
					}
				default:
					a, b := anywhere(), anywhere()
					for a == b {
						b = anywhere()
					}
					all = append(all, must(k.mark.Execute(w.ctx, marks{fmt.Sprint("m", i), []shelfAt{a, b}}))(t))
				}
				time.Sleep(time.Duration(random.IntN(15)) * time.Millisecond)
			}
			k.m.Flush(w.ctx)
			if steps < 60 || len(all) < 20 {
				t.Error("little was seen:", steps, "steps,", len(all), "groups")
			}
		})
	}
}

// wholeLocked reports an unsettled group that a view shows in part.
func (k *marking) wholeLocked(t *testing.T) {
	for ent := range k.m.engine.Busy {
		for o := range ent.Ops {
			for other := range o.Entities {
				if v := other.Look().Value.(shelf); !v.has(o.Args.(*marks).Mark) {
					t.Errorf("%v is unsettled, and %s shows %q", o.Args, other.FullName(), v)
				}
			}
		}
	}
}

// Readers on other threads see each group whole, while it comes and while it goes.
func TestLaw42_ReadersOnOtherThreadsSeeGroupsWhole(t *testing.T) {
	k := newMarking(t, instant)
	k.fails = func() error { return errNever }
	both := []shelfAt{{0, 0}, {1, 0}, {0, 1}}
	stop, seen, readers := make(chan struct{}), make([]int, 3), sync.WaitGroup{}
	for r := range seen {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				shown := k.read(t)
				if shown["left:0"].Value != shown["right:0"].Value || shown["left:0"].Value != shown["left:1"].Value {
					t.Errorf("half of a group: %v", shown)
					return
				}
				of := k.stores[0].Views("0", "1")
				if of[0].Value != of[1].Value || of[0].Pending != of[1].Pending {
					t.Errorf("half of a group: %v", of)
					return
				}
				if shown["left:0"].Pending > 0 {
					seen[r]++
				}
			}
		})
	}
	for i := range 300 {
		h := must(k.mark.Execute(t.Context(), marks{fmt.Sprint("m", i), both}))(t)
		if i%2 == 0 {
			h.Cancel()
		} else if i%50 == 1 {
			must(h.Wait(t.Context()))(t)
		}
	}
	must(0, k.m.Flush(t.Context()))(t)
	close(stop)
	readers.Wait()
	if seen[0]+seen[1]+seen[2] == 0 {
		t.Error("no reader saw a group")
	}
	must(0, k.m.Close(t.Context()))(t)
}

func TestLaw42_ViewsOfSeveralStores(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		titles := NewStore[string](w.m, "title")
		titles.Receive("x", TruthOf("draft", 3))
		w.m.SetOnline(false)
		w.tap("1", "me")
		var p, unknown View[page]
		var title View[string]
		unknown.Pending = 9
		must(0, w.m.Views(w.pages.Into("1", &p), titles.Into("x", &title), w.pages.Into("99", &unknown)))(t)
		equal(t, "page", p, w.pages.View("1"))
		equal(t, "title", title, titles.View("x"))
		equal(t, "unknown", unknown, View[page]{})
		equal(t, "in order", w.pages.Views("2", "1", "1"), []View[page]{w.pages.View("2"), p, p})
		equal(t, "none", w.pages.Views(), []View[page]{})
		must(0, w.m.Views())(t)
	})
}

func TestLaw42_ViewsOfNothingAreAnError(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		other := newWorld(t, instant)
		defer other.m.Close(w.ctx)
		broken := NewStore[page](nil, "broken")
		var p, untouched View[page]
		for name, bad := range map[string]Into{
			"no id": w.pages.Into("", &p), "nowhere": w.pages.Into("1", nil), "another manager's": other.pages.Into("1", &p),
			"a store that cannot work": broken.Into("1", &p), "empty": {},
		} {
			err := w.m.Views(w.pages.Into("1", &untouched), bad)
			is(t, err, ErrInvalid)
			equal(t, name, untouched, View[page]{})
		}
		equal(t, "of a broken store", broken.Views("1", "2"), make([]View[page], 2))
		sub := w.m.Subscribe(SubscribeOptions{})
		equal(t, "without id", w.pages.Views("1", "")[1], View[page]{})
		is(t, events(sub, event.Misused)[0].Err, ErrInvalid)
	})
}
