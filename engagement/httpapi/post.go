package httpapi

import (
	"net/http"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func (a *API) listPosts(w http.ResponseWriter, r *request) error {
	if err := checkQuery(r, "limit", "cursor", "author", "saved", "sort"); err != nil {
		return err
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	of, err := selectionOf(r)
	if err != nil {
		return err
	}
	cursor, err := cursorOf(r, of.Sort)
	if err != nil {
		return err
	}
	page, err := a.store.Posts(r.Context(), r.session.User, of, cursor, limit)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, pageToWire(page, of.Sort))
	return nil
}

// selectionOf reads the query parameters that choose posts.
func selectionOf(r *request) (of wire.Selection, err error) {
	query := r.URL.Query()
	if query.Has("author") {
		of.Author = query.Get("author")
		if err := wire.CheckName("author", of.Author); err != nil {
			return of, badRequest(err.Error())
		}
	}
	switch saved := query.Get("saved"); {
	case saved == "true" && r.session.User == "":
		return of, &engagement.Error{Code: engagement.Unauthenticated, Message: "sign in to see the posts that you have saved"}
	case saved != "" && saved != "true" && saved != "false":
		return of, badRequest("saved must be true or false")
	default:
		of.Saved = saved == "true"
	}
	if of.Sort, err = wire.ParseSort(query.Get("sort")); err != nil {
		return of, badRequest(err.Error())
	}
	return of, nil
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
		return &withTruth{&engagement.Error{Code: engagement.Gone, Message: "the post was deleted"}, truth.Wire()}
	}
	answer(w, http.StatusOK, truth.Wire())
	return nil
}

func (a *API) createPost(w http.ResponseWriter, r *request) error {
	body, err := wire.DecodeNewPost(r.body)
	if err != nil {
		return err
	}
	op := operationOf(r, engagement.CreatePost, body.Change)
	op.Post, op.Text = body.ID, body.Text
	return a.operate(w, r, op)
}

// change returns the handler of a kind whose path has everything except the
// stamp.
func (a *API) change(kind engagement.Kind) handler {
	return func(w http.ResponseWriter, r *request) error {
		body, err := wire.DecodeChange(r.body)
		if err != nil {
			return err
		}
		return a.operate(w, r, operationOf(r, kind, body))
	}
}
