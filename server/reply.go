package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// Answer is the body of the answer to an operation that was carried out.
type Answer struct {
	// Truth is the truth of the operation's first entity, Others are the truths of the further
	// ones. They contain the operation.
	Truth  View   `json:"truth"`
	Others []View `json:"others,omitempty"`
	// Already says that the operation found its effect already there and changed nothing.
	Already bool `json:"already"`
}

// Reply is the answer to an operation before it is written. A program may add to it.
type Reply struct {
	Status int
	Header http.Header
	// Body is an [Answer], a [Problem], or nil when the client is gone.
	Body any
}

// Reply makes the answer to an operation from the results of [Kit.Apply].
//
// For an operation that was carried out the body is an [Answer], with the status 201 when
// the operation created its first entity and 200 otherwise; the header Idempotency-Replayed
// is set when an earlier request had carried it out. For an error the body is its
// [Problem], with the truth of the operation's entities when the status is 404, 409 or 410.
func (k *Kit) Reply(ctx context.Context, name, user string, args any, outcome Outcome, err error) Reply {
	ids := k.entitiesOf(name, args)
	if err != nil {
		return k.refusal(ctx, user, ids, err)
	}
	views, err := k.truthNow(ctx, user, ids)
	if err != nil {
		return k.refusal(ctx, user, nil, err)
	}
	reply := Reply{Status: http.StatusOK, Header: make(http.Header),
		Body: Answer{Truth: views[0], Others: views[1:], Already: outcome.Already}}
	if outcome.Version == 1 && !outcome.Already {
		reply.Status = http.StatusCreated
	}
	if outcome.Replayed {
		reply.Header.Set(HeaderReplayed, "true")
	}
	return reply
}

// refusal is the answer to an operation that was not carried out.
func (k *Kit) refusal(ctx context.Context, user string, ids []string, err error) Reply {
	p := ProblemOf(err)
	if ctx.Err() != nil && p.Status >= http.StatusInternalServerError {
		return Reply{Status: statusClientGone}
	}
	if p.Status == http.StatusInternalServerError {
		k.options.Log.Error("an operation failed", slog.Any("error", err))
	}
	if withTruth(err, p.Status) && len(ids) > 0 {
		views, readErr := k.truthNow(ctx, user, ids)
		if readErr != nil { // the client needs the truth to go on
			return k.refusal(ctx, user, nil, readErr)
		}
		p.addTruth(views)
	}
	return Reply{Status: p.Status, Header: make(http.Header), Body: p}
}

// withTruth reports whether the answer to a refusal has the truth of the entities.
func withTruth(err error, status int) bool {
	refusal, ok := errors.AsType[*Refusal](err)
	return ok && (refusal.Truth || status == http.StatusNotFound || status == http.StatusConflict || status == http.StatusGone)
}

// addTruth adds the views of entities that exist or once existed, the operation's first
// entity first.
func (p *Problem) addTruth(views []View) {
	for i, v := range views {
		switch {
		case v.Version == 0 && v.State == nil:
		case i == 0:
			p.Truth = &v
		default:
			p.Others = append(p.Others, v)
		}
	}
}

// Write answers a request with the reply.
func (reply Reply) Write(w http.ResponseWriter) {
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	switch body := reply.Body.(type) {
	case nil:
		w.WriteHeader(reply.Status)
	case Problem:
		body.Status = reply.Status
		writeProblem(w, body)
	default:
		writeJSON(w, reply.Status, "application/json", body)
	}
}

// truthNow reads the truth of the entities in one moment, as the viewer sees them.
func (k *Kit) truthNow(ctx context.Context, viewer string, ids []string) (views []View, err error) {
	err = k.db.Read(ctx, func(ctx context.Context, m Moment) error {
		return guard(func() (err error) {
			views, err = k.Views(ctx, m, viewer, ids...)
			return err
		})
	})
	return views, err
}

// entitiesOf returns the entities of the operation; none when there is no such operation.
func (k *Kit) entitiesOf(name string, args any) (ids []string) {
	o := k.operations[name]
	if o == nil || !o.takes(args) {
		return nil
	}
	if err := guard(func() error { ids = distinct(o.entities(args)); return nil }); err != nil {
		return nil // Apply has said so
	}
	return ids
}
