package check

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
)

// bad is a request with one fault.
type bad struct {
	name string
	call call
	// early allows the server to refuse the request before reading it, without a problem
	// or by closing the connection.
	early bool
}

func (r *run) badOnes(entity string) []bad {
	u := r.users[0]
	good := func() call { return r.operation(&r.Profile.On, u, entity) }
	withBody := func(body string) call {
		c := good()
		c.body = []byte(body)
		return c
	}
	size := r.Profile.LargeHeader
	if size == 0 {
		size = 2 << 20
	}
	ones := []bad{
		{"no key", good().with(keyHeader, ""), false},
		{"a key of 300 characters", good().with(keyHeader, strings.Repeat("k", 300)), false},
		{"a key with a space", good().with(keyHeader, "a b"), false},
		{"an entity that is not there", r.operation(&r.Profile.On, u, newID()), false},
		{fmt.Sprintf("a header of %d bytes", size), good().with("X-Padding", strings.Repeat("p", size)), true},
	}
	if len(r.Profile.On.Body) == 0 {
		return ones
	}
	large := r.Profile.LargeBody
	if large == 0 {
		large = 1 << 20
	}
	body := good()
	body.body = append(bytes.Repeat([]byte(" "), large), body.body...)
	return append(ones,
		bad{fmt.Sprintf("a body of %d bytes", len(body.body)), body, true},
		bad{"the media type text/plain", good().with("Content-Type", "text/plain"), false},
		bad{"a body that breaks off", withBody(`{"`), false},
		bad{"a body that is a list", withBody(`[]`), false},
		bad{"no body", withBody(``), false},
		bad{"a body that is not UTF-8", withBody("{\"\xff\xfe\":1}"), false},
		bad{"a body that is nested deeply", withBody(strings.Repeat("[", 5000)), false},
	)
}

func (r *run) checkBad(ctx context.Context) (string, error) {
	entity, err := r.entity(ctx)
	if err != nil {
		return "", err
	}
	before, err := r.read(ctx, r.users[0], entity)
	if err != nil {
		return "", err
	}
	var wrong []string
	ones := r.badOnes(entity)
	for _, one := range ones {
		a, err := r.settle(ctx, one.call)
		switch {
		case err != nil && one.early && ctx.Err() == nil: // the connection was closed
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("%s: no answer: %v", one.name, err))
		case !a.refused():
			wrong = append(wrong, fmt.Sprintf("%s: %s", one.name, a))
		case !one.early && !a.problem():
			wrong = append(wrong, fmt.Sprintf("%s: %s without application/problem+json", one.name, a))
		}
	}
	after, err := r.read(ctx, r.users[0], entity)
	switch {
	case err != nil:
		return "", err
	case len(wrong) > 0:
		return "", failure(strings.Join(wrong, "\n"))
	case !after.same(before):
		return "", failf("a bad request changed %s", difference(before, after))
	}
	return fmt.Sprintf("%d kinds of bad requests", len(ones)), nil
}

func (r *run) checkRetryAfter(ctx context.Context) (string, error) {
	if r.Hurry > 0 {
		if err := r.hurry(ctx); err != nil {
			return "", err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.silent) > 0:
		return "", failure(strings.Join(r.silent, "\n"))
	case r.busy == 0 && r.Hurry == 0:
		return "", gap("no answer was 429 or 503; more reads at once may bring one")
	case r.busy == 0:
		return "", gap(fmt.Sprintf("no answer was 429 or 503, not even with %d reads at once", r.Hurry))
	}
	return fmt.Sprintf("%d answers of 429 or 503", r.busy), nil
}

// hurry sends many reads at the same time, from a bounded number of senders.
func (r *run) hurry(ctx context.Context) error {
	entity, err := r.entity(ctx)
	if err != nil {
		return err
	}
	c := r.Profile.Read.fill(values{user: r.users[0].name, entity: entity})
	c.user = r.users[0]
	const senders = 16
	work := make(chan struct{}, r.Hurry)
	for range r.Hurry {
		work <- struct{}{}
	}
	close(work)
	var sent sync.WaitGroup
	for range senders {
		sent.Go(func() {
			for range work {
				if _, err := r.send(ctx, r.base, c); err != nil {
					return // a server that closes connections says no more
				}
			}
		})
	}
	sent.Wait()
	return ctx.Err()
}
