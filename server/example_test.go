package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/sqlite"
)

// Vote is the payload of the operation "vote".
type Vote struct {
	Poll string `json:"poll"`
	Yes  bool   `json:"yes"`
}

func (v Vote) polls() []string { return []string{v.Poll} }

// Votes are the votes of a poll.
type Votes struct {
	Yes int `json:"yes"`
	No  int `json:"no"`
}

const (
	pollTable   = "-- +goose Up\nCREATE TABLE polls (id TEXT PRIMARY KEY, yes BIGINT NOT NULL, no BIGINT NOT NULL);"
	selectPolls = `SELECT id, yes, no FROM polls WHERE id IN $1`
	upsertPoll  = `INSERT INTO polls (id, yes, no) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET yes = excluded.yes, no = excluded.no`
)

func pollColumns(id *string, v *Votes) []any { return []any{id, &v.Yes, &v.No} }

// A decided operation: many of them are read, decided and written together.
func ExampleDecide() {
	ctx := context.Background()
	k, err := openPolls(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer k.Close()
	server.Decide(k, server.Decision[map[string]Votes]{
		Read: func(r *server.Reads, ops []server.Op) map[string]Votes {
			polls := make(map[string]Votes)
			for _, op := range ops {
				sql, args := server.In(selectPolls, op.Args.(Vote).polls())
				r.Query(func(scan server.Scan) error {
					var id string
					var v Votes
					err := scan(pollColumns(&id, &v)...)
					polls[id] = v
					return err
				}, sql, args...)
			}
			return polls
		},
		Decide: func(polls map[string]Votes, op server.Op) error {
			vote := op.Args.(Vote)
			v := polls[vote.Poll]
			if vote.Yes {
				v.Yes++
			} else {
				v.No++
			}
			if v.Yes+v.No > 2 {
				return &server.Refusal{Status: http.StatusConflict, Detail: "the poll is closed"}
			}
			polls[vote.Poll] = v
			return nil
		},
		Write: func(w *server.Writes, polls map[string]Votes) {
			for id, v := range polls {
				w.Exec(upsertPoll, id, v.Yes, v.No)
			}
		},
	}, server.Name("vote", Vote.polls))

	for _, key := range []string{"k1", "k2", "k2", "k3"} {
		outcome, err := k.Apply(ctx, "vote", "ada", key, Vote{Poll: "tea", Yes: true})
		fmt.Println(key, outcome.Version, outcome.Replayed, err)
	}
	// Output:
	// k1 1 false <nil>
	// k2 2 false <nil>
	// k2 2 true <nil>
	// k3 0 false the poll is closed
}

// An operation over HTTP, and a stream of changes.
func ExampleKit_Handle() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	k, err := openPolls(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer k.Close()
	server.Run(k, server.Name("vote", Vote.polls), func(ctx context.Context, tx server.Tx, op server.Op, v Vote) error {
		_, err := tx.Exec(ctx, upsertPoll, v.Poll, 1, 0)
		return err
	})
	mux := http.NewServeMux()
	mux.Handle("PUT /polls/{poll}", k.Handle("vote", func(r *http.Request) (any, error) {
		vote, err := server.JSON[Vote](r)
		vote.Poll = r.PathValue("poll")
		return vote, err
	}))
	mux.Handle("GET /polls/{poll}", k.Show(func(r *http.Request) string { return r.PathValue("poll") }))
	mux.Handle("GET /events", k.Events(server.EventOptions{}))

	for event, err := range k.Stream(ctx, "bob", server.Cursor{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(event.Name)
		if event.Name == server.EventTruth {
			break
		}
		request := httptest.NewRequest("PUT", "/polls/tea", strings.NewReader(`{"yes":true}`))
		request.SetBasicAuth("ada", "")
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", "k1")
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, request)
		fmt.Println(answer.Code)
	}
	// Output:
	// hello
	// 201
	// truth
}

// openPolls opens a kit on a database in memory. The user is who the request says.
func openPolls(ctx context.Context) (*server.Kit, error) {
	db, err := sqlite.Memory(ctx, sqlite.Options{Migrations: fstest.MapFS{"1_polls.sql": {Data: []byte(pollTable)}}})
	if err != nil {
		return nil, err
	}
	return server.Open(ctx, db, server.Options{
		User: func(r *http.Request) (string, error) {
			user, _, _ := r.BasicAuth()
			return user, nil
		},
		Truth: server.Truth[Votes, struct{}]{
			Read: func(ctx context.Context, q server.Query, ids []string) (map[string]Votes, error) {
				return server.Map(ctx, q, pollColumns, selectPolls, ids)
			},
		},
	})
}
