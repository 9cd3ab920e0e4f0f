package httpapi

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server"
)

// operate carries out an operation and answers with the truth that contains it.
func (a *API) operate(w http.ResponseWriter, r *request, op engagement.Operation) error {
	ctx := r.Context()
	applied, err := a.store.Apply(ctx, op)
	if err != nil {
		return a.explain(r, op.Post, err)
	}
	truth, err := a.store.Truth(ctx, op.Post, op.User)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if !applied.Already && (op.Kind == engagement.CreatePost || op.Kind == engagement.CreateComment) {
		status = http.StatusCreated
		w.Header().Set("Location", locationOf(op))
	}
	if applied.Replayed {
		w.Header().Set(wire.HeaderReplayed, "true")
	}
	answer(w, status, wire.Outcome{Truth: truth.Wire(), Already: applied.Already})
	return nil
}

// explain adds the truth to an error that shows the client's state to be out of date.
func (a *API) explain(r *request, post string, err error) error {
	switch engagement.ErrorCode(err) {
	case engagement.Conflict, engagement.Gone, engagement.NotFound:
		truth, readErr := a.store.Truth(r.Context(), post, r.session.User)
		if readErr == nil {
			return &withTruth{err, truth.Wire()}
		}
		if engagement.ErrorCode(readErr) != engagement.NotFound {
			return readErr
		}
	}
	return err
}

func locationOf(op engagement.Operation) string {
	if op.Kind == engagement.CreatePost {
		return "/v1/posts/" + op.Post
	}
	return "/v1/posts/" + op.Post + "/comments/" + op.Comment
}

// subject has the parts of an operation outside its body: its key, and the ids in its
// path. post is empty for the creation of a post.
type subject struct{ key, post, comment string }

// checkOperation reads the subject of an operation.
func checkOperation(r *request) (err error) {
	if err := checkQuery(r); err != nil {
		return err
	}
	if r.subject.key, err = keyOf(r); err != nil {
		return err
	}
	for name, id := range map[string]*string{"post": &r.subject.post, "comment": &r.subject.comment} {
		if r.PathValue(name) == "" {
			continue
		}
		if *id, err = idOf(r, name); err != nil {
			return err
		}
	}
	return nil
}

// operationOf returns the operation of a checked request.
func operationOf(r *request, kind engagement.Kind, change wire.Change) engagement.Operation {
	return engagement.Operation{
		Key: r.subject.key, User: r.session.User, Kind: kind, Post: r.subject.post, Comment: r.subject.comment,
		Stamp: engagement.Stamp{At: change.At, Client: change.Client},
	}
}

// keyOf reads the header Idempotency-Key as the kit does, and allows fewer
// characters.
func keyOf(r *request) (string, error) {
	key, err := server.KeyOf(r.Request)
	if e, ok := errors.AsType[*server.Refusal](err); ok && e.Type == server.ProblemKeyMissing {
		return "", &refusal{e.Status, wire.ProblemKeyMissing, e.Detail, 0}
	}
	if err != nil || wire.CheckKey(wire.HeaderKey, key) != nil {
		return "", badRequest(wire.HeaderKey + " must come once, as 1 to 128 letters, digits and . _ : - characters")
	}
	return key, nil
}

func parseQuery(r *request) (url.Values, error) { return url.ParseQuery(r.URL.RawQuery) }
