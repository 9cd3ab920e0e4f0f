package client

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/leanjson"
	"github.com/optimist-go/optimist/engagement/wire"
)

func sendMark(ctx context.Context, s *Service, c optimist.Call[optimist.Switched], mark string) (optimist.Truth[Post], error) {
	method := "DELETE"
	if c.Args.On {
		method = "PUT"
	}
	return operate(ctx, s, c.ID, c.Number, method, "/v1/posts/"+c.Entity+"/"+mark, wire.Change{At: wire.Stamp(c.At), Client: c.ClientID})
}

func sendComment(ctx context.Context, s *Service, c optimist.Call[CommentArgs], method string) (optimist.Truth[Post], error) {
	var body any = wire.Change{At: wire.Stamp(c.At), Client: c.ClientID}
	if method != "DELETE" {
		body = wire.CommentText{Change: wire.Change{At: wire.Stamp(c.At), Client: c.ClientID}, Text: c.Args.Text}
	}
	return operate(ctx, s, c.ID, c.Number, method, "/v1/posts/"+c.Entity+"/comments/"+c.Args.ID, body)
}

// operate makes the nth try to send one operation with its idempotency key, which stays the
// same on every try.
func operate(ctx context.Context, s *Service, key string, n int, method, path string, body any) (optimist.Truth[Post], error) {
	data, err := leanjson.Marshal(body)
	if err != nil {
		return optimist.Truth[Post]{}, optimist.Fail(optimist.Permanent, err)
	}
	before := uint64(0)
	if n == 1 { // an earlier try may have been carried out long ago
		before = s.places.now()
	}
	answer, err := s.transport.RoundTrip(ctx, Request{Method: method, Path: path, Key: key, Body: data})
	if err != nil {
		return optimist.Truth[Post]{}, optimist.Fail(classOfSilence(err), err)
	}
	t, position, err := readOutcome(answer)
	t.Position = s.places.between(before, position)
	if t.Presence == optimist.Present {
		s.know(t.Value.ID, true)
		s.tell(t.Value.ID, t)
	}
	return t, err
}

// classOfSilence returns the class of a call without answer. It is Offline when
// the transport knows that the request cannot have arrived, and otherwise
// Unknown.
func classOfSilence(err error) optimist.Class {
	if errors.Is(err, ErrUnreachable) {
		return optimist.Offline
	}
	return optimist.Unknown
}

// readOutcome turns the answer to an operation into truth, with the position at which it was
// read, or into an error with its class.
//
//	2xx                        truth
//	2xx of another form        Unknown: another program than the server answered
//	409 in-progress            Overloaded: try again, the first call still runs
//	409 conflict, 404, 410     Conflicting when truth came with it, else Permanent
//	all others                 as optimist.StatusError has it
func readOutcome(a Response) (t optimist.Truth[Post], position string, err error) {
	if a.Status >= 200 && a.Status < 300 {
		o, err := wire.DecodeOutcome(a.Body)
		if err != nil {
			return t, "", optimist.Fail(optimist.Unknown, err)
		}
		return truthOf(o.Truth), o.Position, nil
	}
	refusal := refusalOf(a)
	p := refusal.Problem
	switch a.Status {
	case 409:
		if p.Type == wire.ProblemInProgress {
			return t, "", &optimist.SendError{Class: optimist.Overloaded, RetryAfter: a.RetryAfter, Err: refusal}
		}
		if p.Truth != nil && p.Winner != nil {
			t = truthOf(*p.Truth)
			t.At, t.By = optimist.Timestamp(p.Winner.At), p.Winner.Client
			return t, p.Truth.Position, optimist.Fail(optimist.Conflicting, refusal)
		}
		return t, "", optimist.Fail(optimist.Permanent, refusal)
	case 404, 410:
		if p.Truth != nil {
			return truthOf(*p.Truth), p.Truth.Position, optimist.Fail(optimist.Conflicting, refusal)
		}
	}
	return t, "", optimist.StatusError(a.Status, a.RetryAfter, refusal)
}

func refusalOf(a Response) *Refusal {
	p, err := wire.DecodeProblem(a.Body)
	if err != nil {
		p = wire.Problem{}
	}
	p.Status = a.Status
	if p.RetryAfterMs <= 0 { // the header says the same, less precisely
		p.RetryAfterMs = a.RetryAfter.Milliseconds()
	}
	p.RetryAfterMs = min(p.RetryAfterMs, time.Hour.Milliseconds())
	return &Refusal{p}
}

// resolve lets the last writer win. An operation on a deleted post or comment
// loses.
func resolve[A any](c optimist.Conflict[Post, A]) optimist.Decision[A] {
	var r *Refusal
	if errors.As(c.Err, &r) && r.Problem.Winner == nil {
		return c.TakeTheirs()
	}
	return optimist.LastWriterWins(c)
}

// read sends a request that changes nothing, and decodes the answer.
func read[T any](ctx context.Context, t Transport, method, path string, body any, decode func([]byte) (T, error)) (T, error) {
	data, err := answer(ctx, t, method, path, body)
	if err != nil {
		var zero T
		return zero, err
	}
	return decode(data)
}

// answer is the part of read that does not depend on T, so that the page contains
// it once.
func answer(ctx context.Context, t Transport, method, path string, body any) ([]byte, error) {
	r := Request{Method: method, Path: path}
	if body != nil {
		var err error
		if r.Body, err = leanjson.Marshal(body); err != nil {
			return nil, err
		}
	}
	a, err := t.RoundTrip(ctx, r)
	if err == nil && (a.Status < 200 || a.Status >= 300) {
		err = refusalOf(a)
	}
	return a.Body, err
}

// backoff returns the wait before the nth attempt to reconnect, 0 for the first.
func backoff(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return min(250*time.Millisecond<<min(n-1, 10), 10*time.Second)
}
