package server_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/server"
	"github.com/optimist-go/optimist/server/pgtest"
	"github.com/optimist-go/optimist/server/postgres"
	"github.com/optimist-go/optimist/server/sqlite"
)

var (
	besideStreams = flag.Int("beside", 1000, "streams beside which BenchmarkLike likes")
	besidePause   = flag.Duration("beside.pause", 0, "pause between two likes of BenchmarkLike")
)

const likeTables = `CREATE TABLE likes (post TEXT NOT NULL, viewer TEXT NOT NULL, liked BOOLEAN NOT NULL, PRIMARY KEY (post, viewer));`

// liking is a server with one decided operation, on the database.
func liking(b *testing.B, db server.Database) *httptest.Server {
	type like struct {
		Post string `json:"post"`
		On   bool   `json:"on"`
	}
	k, err := server.Open(b.Context(), db, server.Options{
		User: func(r *http.Request) (string, error) { return r.URL.Query().Get("user"), nil },
		Truth: server.Truth[int, bool]{
			Read: func(ctx context.Context, q server.Query, ids []string) (map[string]int, error) {
				return server.Map(ctx, q, func(id *string, n *int) []any { return []any{id, n} },
					`SELECT post, COUNT(*) FROM likes WHERE liked AND post IN $1 GROUP BY post`, ids)
			},
			Own: func(ctx context.Context, q server.Query, ids, viewers []string) (map[server.Own]bool, error) {
				return server.Map(ctx, q, func(own *server.Own, on *bool) []any { return []any{&own.Entity, &own.Viewer, on} },
					`SELECT post, viewer, liked FROM likes WHERE liked AND post IN $1 AND viewer IN $2`, ids, viewers)
			},
			View: func(likes int, liked bool) any {
				return map[string]any{"likes": likes, "liked": liked, "text": strings.Repeat("x", 300)}
			},
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	server.Decide(k, server.Decision[map[server.Own]bool]{
		Read: func(r *server.Reads, ops []server.Op) map[server.Own]bool {
			liked := make(map[server.Own]bool)
			for _, op := range ops {
				own := server.Own{Entity: op.Args.(like).Post, Viewer: op.User}
				r.Query(func(scan server.Scan) error {
					var on bool
					err := scan(&on)
					liked[own] = on
					return err
				}, `SELECT liked FROM likes WHERE post = $1 AND viewer = $2`, own.Entity, own.Viewer)
			}
			return liked
		},
		Decide: func(liked map[server.Own]bool, op server.Op) error {
			a := op.Args.(like)
			own := server.Own{Entity: a.Post, Viewer: op.User}
			if liked[own] == a.On {
				return server.Already
			}
			liked[own] = a.On
			return nil
		},
		Write: func(w *server.Writes, liked map[server.Own]bool) {
			for own, on := range liked {
				w.Exec(`INSERT INTO likes (post, viewer, liked) VALUES ($1, $2, $3) ON CONFLICT (post, viewer) DO UPDATE SET liked = excluded.liked`,
					own.Entity, own.Viewer, on)
			}
		},
	}, server.Name("like", func(a like) []string { return []string{a.Post} }))
	mux := http.NewServeMux()
	mux.Handle("PUT /like", k.Handle("like", func(r *http.Request) (any, error) { return server.JSON[like](r) }))
	mux.Handle("GET /events", k.Events(server.EventOptions{}))
	s := httptest.NewServer(mux)
	b.Cleanup(func() {
		k.Drain()
		s.Close()
		if err := k.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// TestFollowers is not a test: it is the process of those who follow, for BenchmarkLike.
func TestFollowers(t *testing.T) {
	addr := os.Getenv("FOLLOW")
	if addr == "" {
		t.Skip("it is the process of those who follow, for BenchmarkLike")
	}
	var begun sync.WaitGroup
	for i := range *besideStreams {
		begun.Add(1)
		go func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(conn, "GET /events?user=follower-%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
			in := bufio.NewReader(conn)
			for line := ""; !strings.HasPrefix(line, "event: hello"); {
				if line, err = in.ReadString('\n'); err != nil {
					panic(err)
				}
			}
			begun.Done()
			io.Copy(io.Discard, in)
		}()
	}
	begun.Wait()
	fmt.Println("following")
	io.Copy(io.Discard, os.Stdin) // until the parent ends
}

// BenchmarkLike compares a like beside many streams, of viewers who have no mark on the
// post, to one beside none. Both are measured in turns.
func BenchmarkLike(b *testing.B) {
	for name, open := range map[string]func() server.Database{
		"SQLite": func() server.Database {
			db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "likes.db"), sqlite.Options{Migrations: tables(likeTables)})
			if err != nil {
				b.Fatal(err)
			}
			return db
		},
		"PostgreSQL": func() server.Database {
			db, err := postgres.Open(b.Context(), pgtest.Database(b), postgres.Options{Migrations: tables(likeTables)})
			if err != nil {
				b.Fatal(err)
			}
			return db
		},
	} {
		b.Run(name, func(b *testing.B) {
			alone, beside := liking(b, open()), liking(b, open())
			follow(b, beside)
			seen := watch(b, beside)
			liked := make(map[uint64]time.Time) // when, by version
			var took [2][]time.Duration
			n := 0
			for b.Loop() {
				const turn = 100
				for i, s := range []*httptest.Server{alone, beside} {
					for range turn {
						n++
						time.Sleep(*besidePause)
						began := time.Now()
						version := likeOnce(b, s, n)
						took[i] = append(took[i], time.Since(began))
						if s == beside {
							liked[version] = began
						}
					}
				}
			}
			for i, name := range []string{"alone", "beside"} {
				slices.Sort(took[i])
				b.ReportMetric(float64(took[i][len(took[i])/2].Microseconds()), name+"-p50-µs")
				b.ReportMetric(float64(took[i][len(took[i])*99/100].Microseconds()), name+"-p99-µs")
			}
			var told []time.Duration
			for version, at := range seen() {
				if began, ok := liked[version]; ok {
					told = append(told, at.Sub(began))
				}
			}
			slices.Sort(told)
			b.ReportMetric(float64(told[len(told)/2].Microseconds()), "told-p50-µs")
			b.ReportMetric(float64(told[len(told)*99/100].Microseconds()), "told-p99-µs")
			b.ReportMetric(float64(took[1][len(took[1])/2])/float64(took[0][len(took[0])/2]), "p50-ratio")
		})
	}
}

func follow(b *testing.B, s *httptest.Server) {
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestFollowers$", "-test.v", fmt.Sprint("-beside=", *besideStreams))
	cmd.Env = append(os.Environ(), "FOLLOW="+s.Listener.Addr().String())
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "following" {
			return
		}
	}
	b.Fatal("nobody follows")
}

// watch is one more follower, who notes when each version came. seen ends it.
func watch(b *testing.B, s *httptest.Server) (seen func() map[uint64]time.Time) {
	resp, err := s.Client().Get(s.URL + "/events?user=watcher")
	if err != nil {
		b.Fatal(err)
	}
	came := make(map[uint64]time.Time)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if _, text, ok := strings.Cut(lines.Text(), `"version":`); ok {
				var version uint64
				fmt.Sscan(strings.SplitN(text, ",", 2)[0], &version)
				came[version] = time.Now()
			}
		}
	}()
	return func() map[uint64]time.Time {
		resp.Body.Close()
		<-done
		return came
	}
}

// likeOnce returns the version that the like has made.
func likeOnce(b *testing.B, s *httptest.Server, n int) (version uint64) {
	body := fmt.Sprintf(`{"post":"hot","on":%v}`, n%2 == 1)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPut, s.URL+"/like?user=ada", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set(server.HeaderKey, fmt.Sprint("like-", n))
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode > 201 || !strings.Contains(string(text), `"already":false`) {
		b.Fatalf("%d %s %v", resp.StatusCode, text, err)
	} else if _, rest, ok := strings.Cut(string(text), `"version":`); ok {
		fmt.Sscan(strings.SplitN(rest, ",", 2)[0], &version)
	}
	return version
}
