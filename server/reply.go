package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// Answer is the body of the answer to an operation that was carried out.
type Answer struct {
	// Truth is that of the operation's first entity, Others of the further ones. It
	// contains the operation.
	Truth  View   `json:"truth"`
	Others []View `json:"others,omitempty"`
	// Already says that all was as wanted before the operation came.
	Already bool `json:"already"`
}

// Reply is the answer to an operation before it is written. A program may add to it.
type Reply struct {
	Status int
	Header http.Header
	// Body is an [Answer], a [Problem], or nil when nobody hears it.
	Body any
}

// Reply makes the answer to an operation from what [Kit.Apply] returned for it.
//
// It is an [Answer] with 201 when the operation made its first entity, and with 200
// otherwise; Idempotency-Replayed is set when it had been carried out before. Or it is the
// [Problem] that err is, with the truth of the operation's entities beside 404, 409 and 410.
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
		if readErr != nil { // without the truth the client could not go on
			return k.refusal(ctx, user, nil, readErr)
		}
		p.addTruth(views)
	}
	return Reply{Status: p.Status, Header: make(http.Header), Body: p}
}

// withTruth reports whether a refusal shows how things are.
func withTruth(err error, status int) bool {
	refusal, ok := errors.AsType[*Refusal](err)
	return ok && (refusal.Truth || status == http.StatusNotFound || status == http.StatusConflict || status == http.StatusGone)
}

// addTruth adds the views of entities that are or were there, the first one first.
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

// Write answers a request with it.
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

// entitiesOf returns what the operation names; nothing when there is no such operation.
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
