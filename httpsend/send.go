package httpsend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/optimist-go/optimist"
)

// JSON makes a request whose body is a value as JSON, with the Content-Type for it. A nil
// value: without a body.
func JSON(method, url string, value any) (*http.Request, error) {
	if value == nil {
		return http.NewRequest(method, url, nil)
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// Send makes the Send function of a Mutation or a Toggle. request makes the request of an
// attempt, which gets the attempt's context and the key. truth reads the answer; nil: answers
// say no more than "done", and the version in their ETag. An error of request or truth that
// has a class (see optimist.Fail) keeps it. The client may be nil.
func Send[T, A any](client *Client, request func(optimist.Call[A]) (*http.Request, error), truth func(Answer) (optimist.Truth[T], error)) func(context.Context, optimist.Call[A]) (optimist.Truth[T], error) {
	done := func(a Answer) optimist.Truth[T] { return optimist.AcceptedAt[T](a.Version()) }
	return func(ctx context.Context, c optimist.Call[A]) (optimist.Truth[T], error) {
		a, err := attempt(ctx, client, c.ID, request, c)
		return outcome(client, a, err, truth, done)
	}
}

// SendGroup makes the Send function of a Group, as [Send] does. Entities of which truths says
// nothing keep their prediction, and so do all after an answer with status 204.
func SendGroup[A any](client *Client, request func(optimist.Call[A]) (*http.Request, error), truths func(Answer) ([]optimist.EntityTruth, error)) func(context.Context, optimist.Call[A]) ([]optimist.EntityTruth, error) {
	done := func(Answer) []optimist.EntityTruth { return nil }
	return func(ctx context.Context, c optimist.Call[A]) ([]optimist.EntityTruth, error) {
		a, err := attempt(ctx, client, c.ID, request, c)
		return outcome(client, a, err, truths, done)
	}
}

// Read makes a function that reads one entity, for StoreOptions.Read. An answer with status
// 404 or 410 says that the entity is gone. Truth is dated at the moment at which the read
// began.
func Read[T any](client *Client, request func(id string) (*http.Request, error), truth func(Answer) (optimist.Truth[T], error)) func(ctx context.Context, id string) (optimist.Truth[T], error) {
	done := func(a Answer) optimist.Truth[T] { return optimist.AcceptedAt[T](a.Version()) }
	return func(ctx context.Context, id string) (optimist.Truth[T], error) {
		began := time.Now()
		a, err := attempt(ctx, client, "", request, id)
		var t optimist.Truth[T]
		if a.Status == http.StatusNotFound || a.Status == http.StatusGone {
			t = optimist.Gone[T](a.Version())
		} else if t, err = outcome(nil, a, err, truth, done); err != nil {
			return optimist.Truth[T]{}, err
		}
		if t.ReadAt.IsZero() {
			t.ReadAt = began
		}
		return t, nil
	}
}

// attempt sends one request, made of an argument.
func attempt[C any](ctx context.Context, client *Client, key string, request func(C) (*http.Request, error), argument C) (Answer, error) {
	if request == nil {
		return Answer{}, unmade(errors.New("there is no function for it"))
	}
	req, err := request(argument)
	switch {
	case err != nil:
		return Answer{}, unmade(err)
	case req == nil:
		return Answer{}, unmade(errors.New("its function returned nil"))
	}
	req = req.WithContext(ctx)
	if _, known := optimist.CallFrom(ctx); !known && key != "" { // the Send is called by itself, as in a test
		req = req.Clone(ctx)
		setKey(req, key)
	}
	return client.Do(req)
}

// unmade is the error of an attempt without a request.
func unmade(err error) error {
	if classified(err) {
		return err
	}
	return optimist.Fail(optimist.Permanent, fmt.Errorf("httpsend: no request could be made: %w", err))
}

// outcome is the result of an attempt: the truth in its answer, with its error.
func outcome[R any](client *Client, a Answer, err error, truth func(Answer) (R, error), done func(Answer) R) (R, error) {
	var none R
	if err == nil {
		if truth == nil || a.Status == http.StatusNoContent {
			return done(a), nil
		}
		r, strange := truth(a)
		if strange == nil || classified(strange) {
			return r, strange
		}
		return none, optimist.Fail(optimist.Unknown, fmt.Errorf("httpsend: status %d, but the answer is not as expected: %w", a.Status, strange))
	}
	if client != nil && client.TruthInRefusals && truth != nil && a.mayHaveTruth() {
		switch r, none := truth(a); {
		case none == nil:
			return r, err
		case classified(none):
			return r, none
		}
	}
	return none, err
}

// classified reports whether an error has a class.
func classified(err error) bool {
	var s *optimist.SendError
	return errors.As(err, &s)
}
