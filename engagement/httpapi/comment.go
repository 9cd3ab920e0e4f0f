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
	cursor, err := cursorOf(r, wire.Newest)
	if err != nil {
		return err
	}
	read, err := a.store.Comments(r.Context(), post, cursor, limit)
	if err != nil {
		return a.explain(r, post, err)
	}
	page := wire.CommentPage{Comments: engagement.CommentsToWire(read.Comments), Version: read.Version, Position: read.Position}
	if read.More {
		page.Older = read.Comments[0].Older()
	}
	answer(w, http.StatusOK, page)
	return nil
}

// writeComment returns the handler that creates or edits a comment.
func (a *API) writeComment(kind engagement.Kind) handler {
	return func(w http.ResponseWriter, r *request) error {
		body, err := wire.DecodeCommentText(r.body)
		if err != nil {
			return err
		}
		op := operationOf(r, kind, body.Change)
		op.Text = body.Text
		return a.operate(w, r, op)
	}
}
