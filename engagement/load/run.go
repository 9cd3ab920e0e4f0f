package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Run makes all taps, waits until they are settled and counts. An error means that
// the run could not be made; what it found is in the report.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	r := &runner{config: c, bar: newBar(c.Progress)}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	for _, p := range r.people {
		following.Go(func() { p.service.Follow(ctx, p.after, nil) })
	}
	defer func() {
		cancel()
		following.Wait()
		for _, p := range r.people {
			p.service.Close(ctx) // it has ended: nothing may be left by now
		}
	}()
	if err := r.tap(ctx); err != nil {
		return nil, err
	}
	return r.judge(ctx)
}

// runner is one run.
type runner struct {
	config Config
	bar    *bar
	people []*person
	before map[string]uint64 // versions of the posts
	took   time.Duration
}

func (r *runner) prepare(ctx context.Context) error {
	r.bar.say("signing in")
	for n := range r.config.Clients {
		p, err := newPerson(ctx, &r.config, n)
		if err != nil {
			return fmt.Errorf("client %d: %w", n, err)
		}
		r.people = append(r.people, p)
		r.bar.show(n+1, r.config.Clients)
	}
	var err error
	r.before, err = r.versions(ctx)
	return err
}

// versions reads every post from the server, past all clients.
func (r *runner) versions(ctx context.Context) (map[string]uint64, error) {
	t, err := nethttp.New(r.config.URL)
	if err != nil {
		return nil, err
	}
	out := make(map[string]uint64)
	for _, post := range r.people[0].posts {
		a, err := t.RoundTrip(ctx, client.Request{Method: "GET", Path: "/v1/posts/" + post})
		if err != nil {
			return nil, err
		}
		truth, err := wire.DecodeTruth(a.Body)
		if err != nil {
			return nil, fmt.Errorf("read of %s: status %d: %w", post, a.Status, err)
		}
		out[post] = truth.Version
	}
	return out, nil
}

func (r *runner) tap(ctx context.Context) error {
	if err := r.setNetwork(true); err != nil {
		return err
	}
	r.bar.say("tapping")
	began := time.Now()
	var made atomic.Int64
	errs := make(chan error, len(r.people))
	for i, p := range r.people {
		n := r.config.Taps / len(r.people)
		if i < r.config.Taps%len(r.people) {
			n++
		}
		go func() {
			errs <- p.tapOften(ctx, n, r.config.Think, func() { r.bar.show(int(made.Add(1)), r.config.Taps) })
		}()
	}
	var all []error
	for range r.people {
		all = append(all, <-errs)
	}
	if err := errors.Join(all...); err != nil {
		return err
	}
	r.bar.say("settling")
	settled := make(chan error, len(r.people))
	flushing, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	for _, p := range r.people {
		go func() { settled <- p.service.Manager().Flush(flushing) }()
	}
	for i := range r.people {
		all = append(all, <-settled)
		r.bar.show(i+1, len(r.people))
	}
	r.took = time.Since(began)
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("not everything settles within %v: %w", r.config.Timeout, err)
	}
	return r.setNetwork(false)
}

func (r *runner) setNetwork(bad bool) error {
	if r.config.SetNetwork == nil {
		return nil
	}
	return r.config.SetNetwork(bad)
}
