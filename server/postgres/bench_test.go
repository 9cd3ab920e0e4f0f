package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/pgtest"
)

// like is the operation that is measured: a mark, and a number on the post.
type like struct{ Post string }

const (
	posts    = 10000
	markPost = `INSERT INTO marks (post, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	addLike  = `UPDATE posts SET likes = likes + 1 WHERE id = $1`
)

var benchTables = fstest.MapFS{"00001_posts.sql": {Data: []byte(`-- +goose Up
CREATE TABLE posts (id text PRIMARY KEY, likes bigint NOT NULL DEFAULT 0);
INSERT INTO posts (id) SELECT 'p' || n FROM generate_series(0, 9999) n;
CREATE TABLE marks (post text, user_id text, PRIMARY KEY (post, user_id));
`)}}

// marks is the state of a group: the marks of viewers on entities, before and since.
type marks struct {
	before map[server.Own]bool
	since  []server.Own
}

func registerLikes(kit *server.Kit) {
	entity := func(l like) []string { return []string{l.Post} }
	server.Decide(kit, server.Decision[*marks]{
		Read: func(r *server.Reads, ops []server.Op) *marks {
			m := &marks{before: make(map[server.Own]bool)}
			wanted, users := make([]string, len(ops)), make([]string, len(ops))
			for i, op := range ops {
				wanted[i], users[i] = op.Args.(like).Post, op.User
			}
			r.Query(func(scan server.Scan) error {
				var o server.Own
				if err := scan(&o.Entity, &o.Viewer); err != nil {
					return err
				}
				m.before[o] = true
				return nil
			}, `SELECT m.post, m.user_id FROM unnest($1::text[], $2::text[]) w (post, user_id),
	LATERAL (SELECT * FROM marks m WHERE m.post = w.post AND m.user_id = w.user_id LIMIT 1) m`, wanted, users)
			return m
		},
		Decide: func(m *marks, op server.Op) error {
			o := server.Own{Entity: op.Args.(like).Post, Viewer: op.User}
			if m.before[o] {
				return server.Already
			}
			m.before[o] = true
			m.since = append(m.since, o)
			return nil
		},
		Write: func(w *server.Writes, m *marks) {
			var wanted, users []string
			for _, o := range m.since {
				wanted, users = append(wanted, o.Entity), append(users, o.Viewer)
			}
			w.Exec(`INSERT INTO marks (post, user_id) SELECT * FROM unnest($1::text[], $2::text[])`, wanted, users)
			w.Exec(`INSERT INTO posts AS p (id, likes) SELECT post, count(*) FROM unnest($1::text[]) w (post) GROUP BY post
	ON CONFLICT (id) DO UPDATE SET likes = p.likes + excluded.likes`, wanted)
		},
	}, server.Name("decided", entity))
	server.Run(kit, server.Name("interactive", entity), func(ctx context.Context, tx server.Tx, op server.Op, l like) error {
		n, err := tx.Exec(ctx, markPost, l.Post, op.User)
		if err != nil {
			return err
		}
		if n == 0 {
			return server.Already
		}
		_, err = tx.Exec(ctx, addLike, l.Post)
		return err
	})
}

// BenchmarkSideBySide measures both kinds of operations beside a bare transaction for each
// request, in turns, with 256 clients on the default number of connections. The database
// syncs its files. One iteration is one turn of each. Only the ratios count, to the bare
// transaction, and those only on a machine that does nothing else: a group waits for few
// processes in turn, and bare transactions compete as many at once.
func BenchmarkSideBySide(b *testing.B) {
	const clients, turn = 256, time.Second / 2
	url := pgtest.On(b, pgtest.Cluster(b, "fsync=on", "full_page_writes=on"))
	db := open(b, url, Options{Migrations: benchTables})
	kit, err := server.Open(b.Context(), db, server.Options{Truth: server.Truth[int, int]{
		Read: func(context.Context, server.Query, []string) (map[string]int, error) { return nil, nil },
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer kit.Close()
	registerLikes(kit)

	apply := func(name string) func(ctx context.Context, user, key, post string) error {
		return func(ctx context.Context, user, key, post string) error {
			_, err := kit.Apply(ctx, name, user, key, like{post})
			return err
		}
	}
	bare := func(ctx context.Context, user, _, post string) error {
		tx, err := db.pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx)
		if _, err := tx.Exec(ctx, markPost, post, user); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, addLike, post); err != nil {
			return err
		}
		return tx.Commit(ctx)
	}
	var numbers atomic.Int64
	measure := func(f func(ctx context.Context, user, key, post string) error) int64 {
		var count atomic.Int64
		end := time.Now().Add(turn)
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for time.Now().Before(end) {
					n := numbers.Add(1)
					if err := f(b.Context(), fmt.Sprint("u", n), fmt.Sprint("k", n), fmt.Sprint("p", rand.N(posts))); err != nil {
						b.Error(err)
						return
					}
					count.Add(1)
				}
			})
		}
		wg.Wait()
		return count.Load()
	}
	kinds := []struct {
		name string
		f    func(ctx context.Context, user, key, post string) error
	}{{"bare", bare}, {"decided", apply("decided")}, {"interactive", apply("interactive")}}
	counts := make(map[string]int64)
	for b.Loop() {
		for _, k := range kinds {
			counts[k.name] += measure(k.f)
		}
	}
	for _, k := range kinds {
		b.ReportMetric(float64(counts[k.name])/float64(b.N)/turn.Seconds(), k.name+"/s")
		if k.name != "bare" {
			b.ReportMetric(float64(counts[k.name])/float64(counts["bare"]), k.name+"/bare")
		}
	}
}
