// Command likes is a complete server of posts that people like, save and comment. A
// program adds to the kit its operations and truth (posts.go), its tables and types
// (tables.go), and its start (main.go).
//
//	go run ./server/examples/likes                           # a file likes.db
//	go run ./server/examples/likes -db postgres://host/name  # any number of processes
//
//	curl -N 'localhost:8080/events?user=bob' &
//	curl -X PUT 'localhost:8080/posts/hello/like?user=ada' -H 'Idempotency-Key: 1' \
//		-H 'Content-Type: application/json' -d '{"on":true}'
//
// Because this is an example, it believes the user named in the query.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/postgres"
	"github.com/optimist-go/optimist/server/sqlite"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	db := flag.String("db", "likes.db", "name of a SQLite file, or the URL of a PostgreSQL database")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *addr, *db); err != nil {
		fmt.Fprintln(os.Stderr, "likes:", err)
		os.Exit(1)
	}
}

// serve answers until ctx ends.
func serve(ctx context.Context, addr, name string) error {
	db, err := open(ctx, name)
	if err != nil {
		return err
	}
	k, err := server.Open(ctx, db, server.Options{User: user, Truth: truth})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	defer k.Close()
	mux := http.NewServeMux()
	mount(mux, k)
	if err := publish(ctx, k, Change{Post: "hello", Text: "Hello, world."}); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("likes: http://%s\n", listener.Addr())
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	s.RegisterOnShutdown(k.Drain)
	go func() {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Shutdown(late)
	}()
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// open opens the database, with the tables of the program in it.
func open(ctx context.Context, name string) (server.Database, error) {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(name, "postgres://") {
		return postgres.Open(ctx, name, postgres.Options{Migrations: migrations})
	}
	return sqlite.Open(ctx, name, sqlite.Options{Migrations: migrations})
}

// publish makes a post, once: its key is always the same.
func publish(ctx context.Context, k *server.Kit, c Change) error {
	server.Run(k, server.Name("publish", Change.posts), func(ctx context.Context, tx server.Tx, op server.Op, c Change) error {
		_, err := tx.Exec(ctx, insertPost, c.Post, c.Text)
		return err
	})
	_, err := k.Apply(ctx, "publish", "ada", "publish "+c.Post, c)
	return err
}

// user returns the user named in the query or the header.
func user(r *http.Request) (string, error) {
	return cmp.Or(r.URL.Query().Get("user"), r.Header.Get("User")), nil
}
