package main

import (
	"context"
	"net/http"

	"github.com/optimist-go/optimist/server"
)

var truth = server.Truth[Post, Marks]{
	Read: func(ctx context.Context, q server.Query, ids []string) (map[string]Post, error) {
		return server.Map(ctx, q, postColumns, selectPosts, ids)
	},
	Own: func(ctx context.Context, q server.Query, ids, viewers []string) (map[server.Own]Marks, error) {
		return server.Map(ctx, q, markColumns, selectMarks, ids, viewers)
	},
	View: func(p Post, m Marks) any { return PostView{p, m} },
}

func mount(mux *http.ServeMux, k *server.Kit) {
	server.Run(k, server.Name("like", Change.posts), func(ctx context.Context, tx server.Tx, op server.Op, c Change) error {
		return write(ctx, tx, op, setLiked, c.Post, op.User, c.On)
	})
	server.Run(k, server.Name("save", Change.posts), func(ctx context.Context, tx server.Tx, op server.Op, c Change) error {
		return write(ctx, tx, op, setSaved, c.Post, op.User, c.On)
	})
	server.Run(k, server.Name("comment", Change.posts), func(ctx context.Context, tx server.Tx, op server.Op, c Change) error {
		return write(ctx, tx, op, insertComment, c.Post, op.User, c.Text)
	})
	for _, name := range []string{"like", "save", "comment"} {
		mux.Handle("PUT /posts/{post}/"+name, k.Handle(name, change))
	}
	mux.Handle("GET /posts/{post}", k.Show(func(r *http.Request) string { return r.PathValue("post") }))
	mux.Handle("GET /events", k.Events(server.EventOptions{}))
}

func write(ctx context.Context, tx server.Tx, op server.Op, statement string, args ...any) error {
	switch n, err := tx.Exec(ctx, statement, args...); {
	case op.Entities[0].Version == 0:
		return &server.Refusal{Status: http.StatusNotFound, Detail: "there is no such post"}
	case err == nil && n == 0:
		return server.Already
	default:
		return err
	}
}

func change(r *http.Request) (any, error) {
	c, err := server.JSON[Change](r)
	c.Post = r.PathValue("post")
	return c, err
}
