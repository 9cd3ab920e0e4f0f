package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// job is what a crew needs to know to start.
type job struct {
	URL      string        `json:"url"`
	From     int           `json:"from"` // its first client
	Clients  int           `json:"clients"`
	Devices  int           `json:"devices"`
	Posts    []string      `json:"posts"` // to tap on
	Think    time.Duration `json:"think"`
	Timeout  time.Duration `json:"timeout"`
	Journals string        `json:"journals,omitempty"` // folder; empty: no journals
}

// crew is some of the clients: here, or in a process of their own. Its methods are
// called one after the other.
type crew interface {
	// start signs everybody in.
	start(context.Context) error
	// tap makes so many taps of each client, and waits until all is settled.
	tap(ctx context.Context, taps []int) error
	// compare tells what the clients see otherwise than the server holds it.
	compare(ctx context.Context, posts map[string]standing) error
	// close ends the clients; all has been told then.
	close()
}

// here is a crew in this process.
type here struct {
	job    job
	tell   func(note)
	people []*person
}

// signInTries is how often a client tries to get in: it may have to on a bad network.
const signInTries = 100

func (h *here) start(ctx context.Context) error {
	h.people = make([]*person, h.job.Clients)
	return h.each(func(i int) (err error) {
		for range signInTries {
			if h.people[i], err = newPerson(ctx, h.job, h.job.From+i, h.tell); err == nil || ctx.Err() != nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		return err
	})
}

func (h *here) tap(ctx context.Context, taps []int) error {
	ctx, cancel := context.WithTimeout(ctx, h.job.Timeout)
	defer cancel()
	err := h.each(func(i int) error { return h.people[i].tapOften(ctx, taps[i], h.job.Think) })
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("not everything settles within %v: %w", h.job.Timeout, err)
	}
	return err
}

func (h *here) compare(ctx context.Context, posts map[string]standing) error {
	return h.each(func(i int) error { return h.people[i].compare(ctx, posts) })
}

func (h *here) close() {
	h.each(func(i int) error {
		if h.people[i] != nil {
			h.people[i].close()
		}
		return nil
	})
}

// each does something for all clients at once.
func (h *here) each(do func(i int) error) error {
	errs := make([]error, len(h.people))
	var wg sync.WaitGroup
	for i := range h.people {
		wg.Go(func() {
			if err := do(i); err != nil {
				errs[i] = fmt.Errorf("client %d: %w", h.job.From+i, err)
			}
		})
	}
	wg.Wait()
	return someOf(errs)
}

// someOf joins the first of the errors, for those of many clients are much the same.
func someOf(errs []error) error {
	const some = 3
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if more := len(errs) - some; more > 0 {
		errs = append(errs[:some:some], fmt.Errorf("and so %d more clients", more))
	}
	return errors.Join(errs...)
}
