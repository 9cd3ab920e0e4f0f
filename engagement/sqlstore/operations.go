package sqlstore

import (
	"context"
	"errors"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/server"
)

// operations are the kinds, each with the post as its only entity.
func operations() []server.Named {
	var all []server.Named
	for _, kind := range []engagement.Kind{
		engagement.LikePost, engagement.UnlikePost, engagement.SavePost, engagement.UnsavePost,
		engagement.CreatePost, engagement.DeletePost,
		engagement.CreateComment, engagement.EditComment, engagement.DeleteComment,
	} {
		all = append(all, server.Name(string(kind), func(o engagement.Operation) []string { return []string{o.Post} }))
	}
	return all
}

// Apply implements [engagement.Operations].
func (s *Store) Apply(ctx context.Context, o engagement.Operation) (engagement.Applied, error) {
	if err := o.Validate(); err != nil {
		return engagement.Applied{}, err
	}
	outcome, err := s.kit.Apply(ctx, string(o.Kind), o.User, o.Key, o)
	if err != nil {
		return engagement.Applied{}, explain(err)
	}
	return engagement.Applied{Already: outcome.Already, Replayed: outcome.Replayed, Version: outcome.Version}, nil
}

// places has the rows that a group of operations touches, as they are after the
// operations decided so far.
type places struct {
	posts    map[string]*place[engagement.Post]
	marks    map[markID]*place[engagement.Mark]
	comments map[commentID]*place[engagement.Comment]
}

// place is one row. held is nil when the database has no such row.
type place[T any] struct {
	held    *T
	changed bool
}

func (p *place[T]) set(row *T) {
	if row != nil {
		p.held, p.changed = row, true
	}
}

type markID struct {
	post, user string
	kind       engagement.MarkKind
}

type commentID struct{ post, id string }

var decision = server.Decision[*places]{Read: readPlaces, Decide: decide, Write: writePlaces}

// readPlaces reads each row that one of the operations touches, once.
func readPlaces(r *server.Reads, ops []server.Op) *places {
	p := &places{
		posts:    make(map[string]*place[engagement.Post]),
		marks:    make(map[markID]*place[engagement.Mark]),
		comments: make(map[commentID]*place[engagement.Comment]),
	}
	for _, op := range ops {
		o := op.Args.(engagement.Operation)
		read(r, p.posts, o.Post, scanPost, selectPost, o.Post)
		if kind, _, ok := o.Mark(); ok {
			read(r, p.marks, markID{o.Post, o.User, kind}, scanMark, selectMark, o.Post, o.User, string(kind))
		}
		if o.Comment != "" {
			read(r, p.comments, commentID{o.Post, o.Comment}, scanComment, selectComment, o.Post, o.Comment)
		}
	}
	return p
}

// read reads a row into its place, if it has not been read.
func read[K comparable, T any](r *server.Reads, into map[K]*place[T], id K, scan func(server.Scan) (T, error), sql string, args ...any) {
	if into[id] != nil {
		return
	}
	p := new(place[T])
	into[id] = p
	r.Query(func(columns server.Scan) error {
		row, err := scan(columns)
		p.held = &row
		return err
	}, sql, args...)
}

func scanMark(scan server.Scan) (m engagement.Mark, err error) {
	err = scan(&m.On, &m.Stamp.At, &m.Stamp.Client)
	return m, err
}

// decide calls the domain's rules, and puts the effect into the places.
func decide(p *places, op server.Op) error {
	o := op.Args.(engagement.Operation)
	kind, _, isMark := o.Mark()
	post, mark, comment := p.posts[o.Post], p.marks[markID{o.Post, o.User, kind}], p.comments[commentID{o.Post, o.Comment}]
	var held engagement.Held
	if post.held != nil {
		row := *post.held
		row.Version, row.ChangedAt = op.Entities[0].Version, op.Entities[0].ChangedAt
		held.Post = &row
	}
	if isMark && mark.held != nil {
		held.Mark = *mark.held
	}
	if comment != nil {
		held.Comment = comment.held
	}
	effect, err := o.Decide(held, op.Now)
	if err != nil {
		return err
	}
	post.set(effect.Post)
	if isMark {
		mark.set(effect.Mark)
	}
	if comment != nil {
		comment.set(effect.Comment)
	}
	if effect.Post != nil && effect.Post.Deleted {
		p.forget(o.Post)
	}
	if effect.Already {
		return server.Already
	}
	return nil
}

// forget drops the marks and comments of a deleted post, which go with it.
func (p *places) forget(post string) {
	for id, m := range p.marks {
		if id.post == post {
			*m = place[engagement.Mark]{}
		}
	}
	for id, c := range p.comments {
		if id.post == post {
			*c = place[engagement.Comment]{}
		}
	}
}

// writePlaces writes each row that has changed, once.
func writePlaces(w *server.Writes, p *places) {
	for id, row := range p.posts {
		if !row.changed {
			continue
		}
		o := row.held
		w.Exec(upsertPost, o.ID, o.Author, o.Text, o.CreatedAt, o.Likes, o.Saves, o.Comments, o.CommentsMade, int64(o.Revised), o.Deleted)
		if o.Deleted {
			w.Exec(deleteMarks, id)
			w.Exec(deleteComments, id)
		}
	}
	for id, row := range p.marks {
		if m := row.held; row.changed {
			w.Exec(upsertMark, id.post, id.user, string(id.kind), m.On, int64(m.Stamp.At), m.Stamp.Client)
		}
	}
	for _, row := range p.comments {
		if c := row.held; row.changed {
			w.Exec(upsertComment, c.PostID, c.ID, c.Author, c.Text, c.Number, c.CreatedAt, c.EditedAt,
				int64(c.Stamp.At), c.Stamp.Client, c.Deleted)
		}
	}
}

// explain gives the kit's errors the codes of the domain.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*server.Refusal](err); ok {
		switch e.Type {
		case server.ProblemKeyReused:
			return &engagement.Error{Code: engagement.KeyReused, Message: e.Detail}
		case server.ProblemKeyExpired:
			return &engagement.Error{Code: engagement.KeyExpired, Message: e.Detail}
		}
		return &engagement.Error{Code: engagement.Invalid, Message: e.Detail, Field: e.Field, Cause: err}
	}
	switch {
	case errors.Is(err, server.ErrBusy):
		return &engagement.Error{Code: engagement.InProgress, Message: "the first request with this key is still running", Cause: err}
	case errors.Is(err, server.ErrUnsure):
		return &engagement.Error{Code: engagement.Unsure, Message: "whether this was carried out is not known", Cause: err}
	case errors.Is(err, server.ErrText):
		return &engagement.Error{Code: engagement.Invalid, Message: "a text has bytes that cannot be kept", Cause: err}
	case errors.Is(err, server.ErrUnavailable), errors.Is(err, server.ErrAgain):
		return &engagement.Error{Code: engagement.Unavailable, Message: "the server's database does not take or give anything now", Cause: err}
	}
	return err
}
