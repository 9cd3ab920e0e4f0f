package httpapi

import (
	"net/http"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func (a *API) listComments(w http.ResponseWriter, r *request) error {
	if err := checkQuery(r, "limit", "cursor"); err != nil {
		return err
	}
	post, err := idOf(r, "post")
	if err != nil {
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
	list, more, err := a.store.Comments(r.Context(), post, cursor, limit)
	if err != nil {
		return a.explain(r, post, err)
	}
	page := wire.CommentPage{Comments: commentsToWire(list)}
	if more {
		page.Older = olderThan(list[0])
	}
	answer(w, http.StatusOK, page)
	return nil
}

// writeComment returns the handler that creates or edits a comment.
func (a *API) writeComment(kind engagement.Kind) handler {
	return func(w http.ResponseWriter, r *request) error {
		post, comment, err := subjectOf(r, true)
		if err != nil {
			return err
		}
		body, err := decodeBody(a, w, r, wire.DecodeCommentText)
		if err != nil {
			return err
		}
		op, err := begin(r, kind, body.Change)
		if err != nil {
			return err
		}
		op.Post, op.Comment, op.Text = post, comment, body.Text
		return a.operate(w, r, op)
	}
}
