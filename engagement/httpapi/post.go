package httpapi

import (
	"net/http"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func (a *API) listPosts(w http.ResponseWriter, r *request) error {
	if err := checkQuery(r, "limit", "cursor"); err != nil {
		return err
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	cursor, err := cursorOf(r)
	if err != nil {
		return err
	}
	page, err := a.store.Posts(r.Context(), r.session.User, cursor, limit)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, pageToWire(page))
	return nil
}

func (a *API) getPost(w http.ResponseWriter, r *request) error {
	if err := checkQuery(r); err != nil {
		return err
	}
	id, err := idOf(r, "post")
	if err != nil {
		return err
	}
	truth, err := a.store.Truth(r.Context(), id, r.session.User)
	if err != nil {
		return err
	}
	if truth.Post.Deleted {
		return &withTruth{&engagement.Error{Code: engagement.Gone, Message: "the post was deleted"}, truthToWire(truth)}
	}
	answer(w, http.StatusOK, truthToWire(truth))
	return nil
}

func (a *API) createPost(w http.ResponseWriter, r *request) error {
	if err := checkQuery(r); err != nil {
		return err
	}
	if _, err := keyOf(r); err != nil {
		return err
	}
	body, err := decodeBody(a, w, r, wire.DecodeNewPost)
	if err != nil {
		return err
	}
	op, err := begin(r, engagement.CreatePost, body.Change)
	if err != nil {
		return err
	}
	op.Post, op.Text = body.ID, body.Text
	return a.operate(w, r, op)
}

// change returns the handler of a kind whose path says everything but the stamp.
func (a *API) change(kind engagement.Kind) handler {
	return func(w http.ResponseWriter, r *request) error {
		post, comment, err := subjectOf(r, kind == engagement.DeleteComment)
		if err != nil {
			return err
		}
		body, err := decodeBody(a, w, r, wire.DecodeChange)
		if err != nil {
			return err
		}
		op, err := begin(r, kind, body)
		if err != nil {
			return err
		}
		op.Post, op.Comment = post, comment
		return a.operate(w, r, op)
	}
}

// subjectOf reads what the path names, after checking that the request is an operation.
func subjectOf(r *request, withComment bool) (post, comment string, err error) {
	if err := checkQuery(r); err != nil {
		return "", "", err
	}
	if _, err := keyOf(r); err != nil {
		return "", "", err
	}
	if post, err = idOf(r, "post"); err != nil {
		return "", "", err
	}
	if withComment {
		if comment, err = idOf(r, "comment"); err != nil {
			return "", "", err
		}
	}
	return post, comment, nil
}
