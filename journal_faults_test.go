package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// page is what the scripted person writes on. Log holds what was done to it, in order.
type page struct{ Text, Log string }

func (p page) with(what string) page {
	if !slices.Contains(strings.Fields(p.Log), what) {
		p.Log += what + " "
	}
	return p
}

// wiki is a server that outlives the program, applies each id once, and dislikes
// what is rude.
type wiki struct {
	mu      sync.Mutex // guards everything below
	pages   map[string]page
	version map[string]uint64
	content map[string]string // by id
	applied map[string]bool   // by id
	polite  bool              // refuses what is rude
	wrong   []string
}

func (w *wiki) take(id string, change func(page) page, what string, pages ...string) ([]page, []uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, ok := w.content[id]; ok && before != what {
		w.wrong = append(w.wrong, fmt.Sprintf("%s was %q and then %q", id, before, what))
	}
	w.content[id] = what
	if strings.Contains(what, "about-b") && w.pages["b"].Text == "" {
		w.wrong = append(w.wrong, "what depends on page b came before page b")
	}
	if w.polite && strings.Contains(what, "rude") {
		return nil, nil, optimist.Fail(optimist.Permanent, errors.New("too rude"))
	}
	var values []page
	var versions []uint64
	for _, p := range pages {
		if !w.applied[id] {
			w.pages[p] = change(w.pages[p])
			w.version[p]++
		}
		values, versions = append(values, w.pages[p]), append(versions, w.version[p])
	}
	w.applied[id] = true
	return values, versions, nil
}

// watched tells when the disk has taken the program with it.
type watched struct {
	durable
	die func()
}

func (j watched) Write(records []journal.Record) error {
	err := j.durable.Write(records)
	if errors.Is(err, memjournal.ErrCrashed) {
		j.die()
	}
	return err
}

// author is the program in one life.
type author struct {
	m       *optimist.Manager
	died    chan struct{}
	die     func() // closes died, once
	pages   *optimist.Store[page]
	write   *optimist.Action[page, string]
	append  *optimist.Action[page, string]
	move    *optimist.GroupAction[[3]string]
	handles []*optimist.Handle
}

// career is the program in all its lives.
type career struct {
	t    *testing.T
	disk memjournal.Disk
	wiki wiki
	now  *author
	// promised are ids that were durable and have not been seen to end since.
	promised   map[string]bool
	unreliable bool // writes fail, so that the journal may know too little
}

func (c *career) start() {
	t := c.t
	j := must(c.disk.Open())(t)
	a := &author{died: make(chan struct{})}
	a.die = sync.OnceFunc(func() { close(a.died) })
	m, err := optimist.New(optimist.Options{Journal: watched{durable{j}, a.die}})
	if err != nil {
		t.Fatal(err)
	}
	a.m = m
	a.pages = optimist.NewStore[page](m, "page")
	one := func(ctx context.Context, id string, change func(page) page, what, name string) (optimist.Truth[page], error) {
		select {
		case <-a.died: // what is dead sends nothing
			<-ctx.Done()
			return optimist.Truth[page]{}, ctx.Err()
		case <-time.After(20 * time.Millisecond): // on the way
		}
		values, versions, err := c.wiki.take(id, change, what, name)
		if err != nil {
			return optimist.Truth[page]{}, err
		}
		return optimist.TruthOf(values[0], versions[0]), nil
	}
	a.write = optimist.Register(a.pages, optimist.Mutation[page, string]{
		Type: "write", Kind: optimist.Create, Slot: func(string) string { return "text" }, Stored: stored[string](),
		Policy: optimist.Policy{Failure: optimist.Park},
		Apply:  func(p page, text string) (page, error) { p.Text = text; return p, nil },
		Send: func(ctx context.Context, call optimist.Call[string]) (optimist.Truth[page], error) {
			set := func(p page) page { p.Text = call.Args; return p }
			return one(ctx, call.ID, set, "write "+call.Args, call.Entity)
		},
	})
	a.append = optimist.Register(a.pages, optimist.Mutation[page, string]{
		Type: "append", Kind: optimist.Create, Stored: stored[string](),
		Apply: func(p page, what string) (page, error) { return p.with(what), nil },
		Send: func(ctx context.Context, call optimist.Call[string]) (optimist.Truth[page], error) {
			with := func(p page) page { return p.with(call.Args) }
			return one(ctx, call.ID, with, "append "+call.Args, call.Entity)
		},
	})
	a.move = optimist.RegisterGroup(m, optimist.Group[[3]string]{
		Type: "move", Stored: stored[[3]string](),
		Parts: func(args [3]string) []optimist.Part {
			with := func(p page) (page, error) { return p.with(args[2]), nil }
			return []optimist.Part{a.pages.CreatePart(args[0], with), a.pages.CreatePart(args[1], with)}
		},
		Send: func(ctx context.Context, call optimist.Call[[3]string]) ([]optimist.EntityTruth, error) {
			select {
			case <-a.died:
				<-ctx.Done()
				return nil, ctx.Err()
			default:
			}
			names := call.Args[:2]
			with := func(p page) page { return p.with(call.Args[2]) }
			values, versions, err := c.wiki.take(call.ID, with, "move "+fmt.Sprint(call.Args), names...)
			var truths []optimist.EntityTruth
			for i := range values {
				truths = append(truths, a.pages.EntityTruth(names[i], optimist.TruthOf(values[i], versions[i])))
			}
			return truths, err
		},
	})
	m.SetOnline(false)
	restored := must(m.Restore())(t)
	for _, e := range m.Snapshot().Entities {
		for _, op := range e.Operations {
			if _, left := c.wiki.content[op.ID]; left && op.Calls == 0 && !c.unreliable {
				t.Errorf("%s has left, and the journal does not know", op.ID)
			}
		}
	}
	m.SetOnline(true)
	a.handles = restored.Operations
	c.now = a
	there := make(map[string]bool)
	for _, h := range a.handles {
		there[h.ID()] = true
	}
	for id := range c.promised {
		if !there[id] && !c.wiki.applied[id] {
			t.Errorf("%s was durable and is lost", id)
		}
	}
	c.wiki.mu.Lock()
	for name, value := range c.wiki.pages {
		a.pages.Receive(name, optimist.TruthOf(value, c.wiki.version[name]))
	}
	c.wiki.mu.Unlock()
}

// look notes what is durable now, and what has ended.
func (c *career) look() {
	synctest.Wait()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, h := range c.now.handles {
		err := h.Await(ended, optimist.Journaled)
		if _, over := h.Result(); over {
			delete(c.promised, h.ID())
		} else if err == nil {
			c.promised[h.ID()] = true
		}
	}
}

// kill ends the life as a crash does, and begins the next.
func (c *career) kill() {
	c.disk.Crash()
	c.now.die()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	c.now.m.Close(ended)
	c.start()
}

// revive begins the next life if the disk has ended this one.
func (c *career) revive() {
	select {
	case <-c.now.died:
		c.kill()
	default:
	}
}

func (c *career) did(h *optimist.Handle, err error) *optimist.Handle {
	if err != nil {
		c.t.Error(err)
	} else {
		c.now.handles = append(c.now.handles, h)
	}
	return h
}

// parked are the operations that wait for a decision.
func (c *career) parked() (parked []*optimist.Handle) {
	for _, h := range c.now.handles {
		if h.State() == optimist.Parked {
			parked = append(parked, h)
		}
	}
	return parked
}

// history is what the person does, and how time passes.
var history = []func(context.Context, *career){
	func(ctx context.Context, c *career) { c.did(c.now.write.Execute(ctx, "a", "one")) },
	func(ctx context.Context, c *career) { c.did(c.now.append.Execute(ctx, "a", "first")) },
	func(ctx context.Context, c *career) { c.did(c.now.write.Execute(ctx, "a", "two")) },
	func(ctx context.Context, c *career) { time.Sleep(10 * time.Millisecond) }, // a call is under way
	func(ctx context.Context, c *career) { c.did(c.now.append.Execute(ctx, "a", "second")) },
	func(ctx context.Context, c *career) { time.Sleep(2 * time.Second) },
	func(ctx context.Context, c *career) {
		h := c.did(c.now.write.Execute(ctx, "b", "draft"))
		c.did(c.now.append.Execute(ctx, "c", "about-b", h))
	},
	func(ctx context.Context, c *career) { c.did(c.now.write.Execute(ctx, "b", "final")) },
	func(ctx context.Context, c *career) { c.did(c.now.move.Execute(ctx, [3]string{"a", "b", "moved"})) },
	func(ctx context.Context, c *career) { time.Sleep(310 * time.Millisecond) },
	func(ctx context.Context, c *career) { c.did(c.now.write.Execute(ctx, "d", "rude")) },
	func(ctx context.Context, c *career) { time.Sleep(time.Second) },
	func(ctx context.Context, c *career) {
		c.wiki.mu.Lock()
		c.wiki.polite = false
		c.wiki.mu.Unlock()
		for _, h := range c.parked() {
			if err := h.Retry(); err != nil {
				c.t.Error(err)
			}
		}
	},
	func(ctx context.Context, c *career) { c.did(c.now.append.Execute(ctx, "d", "third")) },
	func(ctx context.Context, c *career) {
		if h := c.did(c.now.write.Execute(ctx, "e", "oops")); h != nil {
			h.Cancel()
		}
	},
	func(ctx context.Context, c *career) { time.Sleep(5 * time.Second) },
}

// live runs the history and returns what the server has in the end.
func live(t *testing.T, faulty func(*career), after func(c *career, step int)) (end string, writes int) {
	ctx := t.Context()
	c := &career{t: t, promised: make(map[string]bool)}
	c.wiki = wiki{
		polite: true, pages: make(map[string]page), version: make(map[string]uint64),
		content: make(map[string]string), applied: make(map[string]bool),
	}
	c.start()
	faulty(c)
	for i, step := range history {
		c.revive()
		step(ctx, c)
		c.look()
		after(c, i)
	}
	for range 3 { // a crash may wait in the last writes too
		c.revive()
		for _, h := range c.parked() {
			h.Retry()
		}
		// Only a journal that has stopped may lack ends: what was refused is tried once more.
		if err := c.now.m.Flush(ctx); err != nil && (!errors.Is(err, optimist.ErrNotOnDisk) || errors.Is(err, journal.ErrRefused)) {
			t.Error(err)
		}
		c.look()
	}
	for id := range c.promised {
		if !c.wiki.applied[id] {
			t.Errorf("%s was durable and has no effect", id)
		}
	}
	for name, want := range c.wiki.pages {
		if v := c.now.pages.View(name); v.Value != want || v.Pending > 0 {
			t.Errorf("page %s is shown as %+v; the server has %+v", name, v, want)
		}
	}
	for _, wrong := range c.wiki.wrong {
		t.Error(wrong)
	}
	c.now.m.Close(ctx)
	return fmt.Sprint(c.wiki.pages), c.disk.Writes()
}

func nothing(*career)        {}
func neverMind(*career, int) {}

func TestLaw33_EveryFaultAtEveryWrite(t *testing.T) {
	var writes int
	synctest.Test(t, func(t *testing.T) { _, writes = live(t, nothing, neverMind) })
	names := map[memjournal.Fault]string{
		memjournal.Refuse: "refused", memjournal.FailLost: "failed, lost", memjournal.FailKept: "failed, kept",
		memjournal.CrashBefore: "crash before", memjournal.CrashAfter: "crash after",
	}
	for fault, name := range names {
		for n := 1; n <= writes+2; n++ {
			t.Run(fmt.Sprint(name, " at write ", n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					live(t, func(c *career) { c.disk.Inject(n, fault) }, neverMind)
				})
			})
		}
	}
}

// A disk that fails leaves the program without one; when that dies too, what was
// called durable before is still there.
func TestLaw33_CrashAfterEveryFault(t *testing.T) {
	for _, fault := range []memjournal.Fault{memjournal.Refuse, memjournal.FailLost, memjournal.FailKept} {
		for n := 1; n <= 24; n++ {
			for step := range history {
				t.Run(fmt.Sprint("fault ", fault, " at write ", n, ", killed after step ", step), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						live(t, func(c *career) { c.unreliable = true; c.disk.Inject(n, fault) }, func(c *career, i int) {
							if i == step {
								c.kill()
							}
						})
					})
				})
			}
		}
	}
}

func TestLaw30_RestartEqualsNoRestart(t *testing.T) {
	var want string
	synctest.Test(t, func(t *testing.T) { want, _ = live(t, nothing, neverMind) })
	if !strings.Contains(want, "first second moved") {
		t.Fatalf("the history ends in %s", want)
	}
	for step := range len(history) + 1 {
		t.Run(fmt.Sprint("after step ", step), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, _ := live(t, nothing, func(c *career, i int) {
					if i == step || step == len(history) { // the last time, after each
						c.kill()
					}
				})
				if got != want {
					t.Errorf("the server has %s, without restart %s", got, want)
				}
			})
		})
	}
}
