package load

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist/engagement/child"
)

// order is an order to a process: one of its fields is set.
type order struct {
	Start   *job                `json:"start,omitempty"`
	Tap     []int               `json:"tap,omitempty"`
	Compare map[string]standing `json:"compare,omitempty"`
}

// Serve is the main function of a process of [Config].Command: it carries out the
// orders that it reads from in, one line each, and writes the notes of its clients
// as lines to out. It returns when in ends.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var mu sync.Mutex // guards encoder
	encoder := json.NewEncoder(out)
	tell := func(n note) {
		mu.Lock()
		defer mu.Unlock()
		encoder.Encode(n) // an error means that the reader is gone
	}
	h := &here{tell: tell}
	defer h.close()
	decoder := json.NewDecoder(in)
	for {
		var o order
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var err error
		switch {
		case o.Start != nil:
			h.job = *o.Start
			err = h.start(ctx)
		case o.Tap != nil:
			err = h.tap(ctx, o.Tap)
		case o.Compare != nil:
			err = h.compare(ctx, o.Compare)
		}
		done := note{Kind: noteDone}
		if err != nil {
			done.Why = err.Error()
		}
		tell(done)
	}
}

// process is a crew in a process of its own, which can be killed while it taps,
// and is then started again.
type process struct {
	job     job
	command func() *exec.Cmd
	book    *book
	// patience is the longest wait for the end of an order.
	patience time.Duration

	running *child.Process
	done    chan error // the answer to an order; closed when the process has ended
	killed  atomic.Bool

	// mu guards the field below it.
	mu     sync.Mutex
	victim *child.Process // may be killed; nil: no client taps
}

// slack is the time that a process may take beyond the time of its clients.
const slack = time.Minute

var errKilled = errors.New("the process was killed")

func (p *process) start(ctx context.Context) error {
	running, err := child.Start(p.command())
	if err != nil {
		return err
	}
	p.running, p.done = running, make(chan error)
	p.killed.Store(false)
	go p.listen(running.Out, p.done)
	return p.order(ctx, order{Start: &p.job})
}

// listen takes notes until the process ends.
func (p *process) listen(out io.Reader, done chan<- error) {
	defer close(done)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var n note
		if json.Unmarshal(lines.Bytes(), &n) != nil {
			continue // the last line of a killed process
		}
		switch {
		case n.Kind != noteDone:
			p.book.take(n)
		case n.Why != "":
			done <- errors.New(n.Why)
		default:
			done <- nil
		}
	}
}

// order sends an order and waits for its end.
func (p *process) order(ctx context.Context, o order) error {
	err := p.running.Orders.Encode(o)
	var answered bool
	if err == nil {
		late := time.NewTimer(p.patience)
		defer late.Stop()
		select {
		case err, answered = <-p.done:
		case <-ctx.Done():
			p.running.Process.Kill()
			return ctx.Err()
		case <-late.C:
			p.running.Process.Kill()
			return fmt.Errorf("%s has not done for %v as it was told, and was killed", p, p.patience)
		}
	}
	switch {
	case answered:
		return err
	case p.killed.Load():
		return errKilled
	}
	return fmt.Errorf("%s is gone: %w", p, errors.Join(err, p.running.Wait()))
}

func (p *process) String() string {
	return fmt.Sprintf("the process of clients %d to %d", p.job.From, p.job.From+p.job.Clients-1)
}

func (p *process) tap(ctx context.Context, taps []int) error {
	for {
		p.expose(p.running)
		err := p.order(ctx, order{Tap: p.book.left(p.job.From, taps)})
		p.expose(nil)
		if p.killed.Load() && err == nil { // killed at the last moment: it had done all
			err = errKilled
		}
		if !errors.Is(err, errKilled) {
			return err
		}
		for range p.done { // notes that it wrote before it died
		}
		p.running.Wait()
		if err := p.start(ctx); err != nil {
			return err
		}
	}
}

// expose sets the process that kill may kill.
func (p *process) expose(victim *child.Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.victim = victim
}

// kill kills the process, if it is tapping.
func (p *process) kill() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.victim == nil {
		return false
	}
	p.killed.Store(true)
	p.victim.Process.Kill()
	p.victim = nil
	return true
}

func (p *process) compare(ctx context.Context, posts map[string]standing) error {
	return p.order(ctx, order{Compare: posts})
}

func (p *process) close() {
	if p.running == nil {
		return
	}
	p.running.End()
	late := time.AfterFunc(p.patience, func() { p.running.Process.Kill() })
	defer late.Stop()
	for range p.done {
	}
	p.running.Wait()
}
