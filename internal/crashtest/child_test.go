package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"

	"github.com/optimist-go/optimist"
)

// order is what the parent tells a child.
type order struct {
	Dir, URL string
	Seed     uint64
	First    int      // number of its first tap
	Entities []string // on which it works
	Drain    bool     // make no taps, settle everything and end
}

// report is one line that a child prints. The kinds:
//
//	restored  an operation that the journal had: ID, Calls, At
//	ready     all of them were told
//	tap       is about to be made: Tap, Type, Entities, On, Parent
//	durable   the tap is durable: Tap, ID, At
//	discard   a parked operation is about to be discarded: ID
//	view      of an entity in the end: Entities, Doc, Pending
//	drained   the end
//	error     Text
type report struct {
	Kind     string
	ID       string             `json:",omitempty"`
	Type     string             `json:",omitempty"`
	At       optimist.Timestamp `json:",omitempty"`
	Calls    int                `json:",omitempty"`
	Tap      int                `json:",omitempty"`
	On       bool               `json:",omitempty"`
	Parent   int                `json:",omitempty"`
	Entities []string           `json:",omitempty"`
	Doc      doc                `json:",omitzero"`
	Pending  int                `json:",omitempty"`
	Text     string             `json:",omitempty"`
}

// say prints a report in one write, which a kill cannot tear.
func say(r report) {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.Write(append(data, '\n'))
}

const childVariable = "CRASHTEST_CHILD"

// child is the main function of a process under test.
func child(job string) {
	var o order
	err := json.Unmarshal([]byte(job), &o)
	if err == nil {
		err = o.run(context.Background())
	}
	if err != nil {
		say(report{Kind: "error", Text: err.Error()})
		os.Exit(1)
	}
	os.Exit(0)
}

func (o order) run(ctx context.Context) error {
	p, err := newProgram(o.Dir, o.URL)
	if err != nil {
		return err
	}
	_ = p.m.SetOnline(false) // so that the calls counted are those of earlier lives
	restored, err := p.m.Restore()
	if err != nil {
		return err
	}
	if len(restored.Quarantined) > 0 {
		return fmt.Errorf("quarantined: %d, the first is %+v", len(restored.Quarantined), restored.Quarantined[0].Snapshot())
	}
	calls := make(map[string]int)
	for _, e := range p.m.Snapshot().Entities {
		for _, op := range e.Operations {
			calls[op.ID] = op.Calls
		}
	}
	for _, h := range restored.Operations {
		say(report{Kind: "restored", ID: h.ID(), Calls: calls[h.ID()], At: h.Timestamp()})
	}
	say(report{Kind: "ready"})
	_ = p.m.SetOnline(true)
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	for _, h := range restored.Operations {
		if h.State() != optimist.Parked {
			continue
		}
		if rng.IntN(3) == 0 && !o.Drain {
			say(report{Kind: "discard", ID: h.ID()})
			_ = h.Discard()
		} else if rng.IntN(2) == 0 || o.Drain {
			_ = h.Retry()
		}
	}
	if o.Drain {
		return o.drain(ctx, p)
	}
	if rng.IntN(4) > 0 {
		for _, e := range o.Entities {
			go p.fetch(ctx, e)
		}
	}
	go func() { // a person goes when the parent does
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	taps := &counter{last: o.First - 1}
	var people sync.WaitGroup
	for i := range 3 {
		person := rand.New(rand.NewPCG(o.Seed, uint64(i)+1))
		people.Go(func() {
			for {
				if err := o.tap(ctx, p, person, taps); err != nil {
					say(report{Kind: "error", Text: err.Error()})
				}
			}
		})
	}
	people.Wait()
	return nil
}

// tap does what a person may do, and waits for what a person may wait for.
func (o order) tap(ctx context.Context, p *program, rng *rand.Rand, taps *counter) error {
	entity, other := rng.IntN(len(o.Entities)), rng.IntN(len(o.Entities)-1)
	if other >= entity {
		other++
	}
	e, f := o.Entities[entity], o.Entities[other]
	h, n, err := o.execute(ctx, p, rng, taps, e, f)
	if err != nil {
		return err
	}
	durable := make(chan struct{})
	go func() {
		defer close(durable)
		// A tap may join an operation that an earlier one made, and has its id then.
		if h.Await(ctx, optimist.Journaled) == nil {
			say(report{Kind: "durable", Tap: n, ID: h.ID(), At: h.Timestamp()})
		}
	}()
	if rng.IntN(3) > 0 {
		<-durable
	}
	return nil
}

func (o order) execute(ctx context.Context, p *program, rng *rand.Rand, taps *counter, e, f string) (h *optimist.Handle, n int, err error) {
	taps.mu.Lock() // the order in which taps are announced is that in which they are made
	defer taps.mu.Unlock()
	n = taps.next()
	switch rng.IntN(10) {
	case 0, 1, 2:
		say(report{Kind: "tap", Type: "set", Tap: n, Entities: []string{e}})
		h, err = p.set.Execute(ctx, e, set{n})
	case 3, 4:
		on := rng.IntN(2) == 0
		say(report{Kind: "tap", Type: "toggle", Tap: n, Entities: []string{e}, On: on})
		h, err = p.toggle.Set(ctx, e, "me", on)
	case 5, 6:
		say(report{Kind: "tap", Type: "add", Tap: n, Entities: []string{e}})
		h, err = p.add.Execute(ctx, e, add{n})
	case 7:
		return o.executeReply(ctx, p, rng, taps, n, e, f)
	case 8:
		say(report{Kind: "tap", Type: "rude", Tap: n, Entities: []string{e}})
		h, err = p.rude.Execute(ctx, e, rude{n})
	case 9:
		say(report{Kind: "tap", Type: "link", Tap: n, Entities: []string{e, f}})
		h, err = p.link.Execute(ctx, link{n, e, f})
	}
	return h, n, err
}

// executeReply makes two taps of which the second needs the first: one that is sent as
// it is, or one that later taps may replace.
func (o order) executeReply(ctx context.Context, p *program, rng *rand.Rand, taps *counter, parent int, e, f string) (h *optimist.Handle, n int, err error) {
	var first *optimist.Handle
	a := reply{Parent: parent}
	if rng.IntN(2) == 0 {
		a.Of = f
		say(report{Kind: "tap", Type: "set", Tap: parent, Entities: []string{f}})
		first, err = p.set.Execute(ctx, f, set{parent})
	} else {
		say(report{Kind: "tap", Type: "add", Tap: parent, Entities: []string{f}})
		first, err = p.add.Execute(ctx, f, add{parent})
	}
	if err != nil {
		return nil, 0, err
	}
	a.Tap = taps.next()
	say(report{Kind: "tap", Type: "reply", Tap: a.Tap, Parent: parent, Entities: []string{e}})
	h, err = p.reply.Execute(ctx, e, a, first)
	if errors.Is(err, optimist.ErrDependency) {
		return first, parent, nil // the server was faster than this goroutine
	}
	return h, a.Tap, err
}

// counter numbers taps.
type counter struct {
	mu   sync.Mutex
	last int
}

func (c *counter) next() int { c.last++; return c.last }

// drain settles everything and tells how it ended.
func (o order) drain(ctx context.Context, p *program) error {
	if err := p.m.Flush(ctx); err != nil {
		return err
	}
	for _, again := range []bool{false, true} { // as the answers left it, and read anew
		for _, e := range o.Entities {
			if again {
				if err := p.fetch(ctx, e); err != nil {
					return err
				}
			}
			if v := p.docs.View(e); v.Presence == optimist.Present {
				say(report{Kind: "view", Entities: []string{e}, Doc: v.Value, Pending: v.Pending})
			}
		}
	}
	if err := p.m.Close(ctx); err != nil {
		return err
	}
	say(report{Kind: "drained"})
	return nil
}

func sameSlot(a, b report) bool {
	return a.Type == b.Type && (a.Type == "set" || a.Type == "toggle") && strings.Join(a.Entities, " ") == strings.Join(b.Entities, " ")
}
