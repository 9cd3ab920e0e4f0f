package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
)

// job has the parameters of a crew.
type job struct {
	URLs     []string      `json:"urls"`
	From     int           `json:"from"` // its first client
	Clients  int           `json:"clients"`
	Devices  int           `json:"devices"`
	Posts    []string      `json:"posts"` // to tap on
	Think    time.Duration `json:"think"`
	Debounce time.Duration `json:"debounce"`
	Retries  int           `json:"retries"`
	Timeout  time.Duration `json:"timeout"`
	AtOnce   int           `json:"atOnce"`             // clients that sign in, or read all posts, at once
	Journals string        `json:"journals,omitempty"` // folder; empty: no journals
}

// crew is a group of clients, in this process or in a process of its own. Its
// methods are called one after the other.
type crew interface {
	// start signs all clients in.
	start(context.Context) error
	// tap makes the given number of taps of each client, and waits until they are
	// settled.
	tap(ctx context.Context, taps []int) error
	// compare notes the differences between the clients' views and the server's posts.
	compare(ctx context.Context, posts map[string]standing) error
	// close ends the clients; all their notes have been taken then.
	close()
}

// here is a crew in this process.
type here struct {
	job    job
	tell   func(note)
	pace   func(context.Context) error // waits until a client may tap; nil: without a wait
	people []*person
}

// places bounds the number of clients in an activity at once.
type places chan struct{}

func (p places) do(f func() error) error {
	p <- struct{}{}
	defer func() { <-p }()
	return f()
}

func (h *here) start(ctx context.Context) error {
	h.people = make([]*person, h.job.Clients)
	entrance := make(places, max(h.job.AtOnce, 1))
	return h.each(func(i int) error {
		err := entrance.do(func() error { return h.enter(ctx, i) })
		if err == nil {
			h.tell(note{Kind: noteReady, Client: h.job.From + i})
		}
		return err
	})
}

// enter makes a client. It tries for a long time: the network may be bad, or a
// server away.
func (h *here) enter(ctx context.Context, i int) (err error) {
	for began := time.Now(); ; {
		h.people[i], err = newPerson(ctx, h.job, h.job.From+i, h.tell)
		refused := false
		if r, ok := errors.AsType[*client.Refusal](err); ok {
			refused = r.Problem.Status < 500 && r.Problem.RetryAfterMs == 0
		}
		if err == nil || refused || time.Since(began) > mostPatience {
			return err
		}
		select {
		case <-time.After(time.Duration(20+rand.IntN(100)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *here) tap(ctx context.Context, taps []int) error {
	ctx, cancel := context.WithTimeout(ctx, h.job.Timeout)
	defer cancel()
	err := h.each(func(i int) error { return h.people[i].tapOften(ctx, taps[i], h.job.Think, h.pace) })
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("not everything settles within %v: %w", h.job.Timeout, err)
	}
	return err
}

func (h *here) compare(ctx context.Context, posts map[string]standing) error {
	reading := make(places, max(h.job.AtOnce, 1))
	return h.each(func(i int) error { return h.people[i].compare(ctx, posts, reading) })
}

func (h *here) close() {
	h.each(func(i int) error {
		if h.people[i] != nil {
			h.people[i].close()
		}
		return nil
	})
}

// each calls do for all clients at once.
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

// someOf joins the first errors, because the errors of many clients are much the
// same.
func someOf(errs []error) error {
	const some = 3
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if more := len(errs) - some; more > 0 {
		errs = append(errs[:some:some], fmt.Errorf("and so %d more clients", more))
	}
	return errors.Join(errs...)
}
