package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/optimist-go/optimist/engagement"
)

// TestGroupCommit holds the writer while requests gather, and sees that they are
// committed together, that the one among them that fails after it has written
// leaves nothing, and that its neighbours stay.
func TestGroupCommit(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "engaged.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commits := make(chan struct{}, 100)
	s.writer.wake = func() { commits <- struct{}{} } // before any request: the writer is idle

	holding, release := make(chan struct{}), make(chan struct{})
	results := make(chan error, 100)
	go func() {
		results <- s.writer.do(t.Context(), func(context.Context, queryer) (bool, error) {
			close(holding)
			<-release
			return false, nil
		})
	}()
	<-holding

	wrong := errors.New("wrong")
	write := func(name string, result error) {
		results <- s.writer.do(t.Context(), func(ctx context.Context, q queryer) (bool, error) {
			if _, err := q.statement(insertSecret).ExecContext(ctx, name, []byte("x")); err != nil {
				return false, err
			}
			return true, result
		})
	}
	const good = 20
	for i := range good {
		go write(string(rune('a'+i)), nil)
	}
	go write("bad", wrong)
	for len(s.writer.requests) < good+1 {
		if t.Context().Err() != nil {
			t.Fatal("the requests do not gather")
		}
	}
	close(release)
	failed := 0
	for range good + 2 {
		if err := <-results; errors.Is(err, wrong) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if failed != 1 {
		t.Errorf("%d requests failed", failed)
	}
	<-commits
	if len(commits) != 0 {
		t.Errorf("%d commits more than one", len(commits))
	}
	var kept int
	if err := s.reads.QueryRow(`SELECT COUNT(*) FROM secrets WHERE name <> 'bad'`).Scan(&kept); err != nil || kept != good {
		t.Errorf("%d of %d are there, %v", kept, good, err)
	}
	if secret, err := s.Secret(t.Context(), "bad", []byte("y")); err != nil || string(secret) != "y" {
		t.Errorf("what failed has left %q, %v", secret, err)
	}
}

// TestSettingsAreOnEveryConnection: a setting made once on a pool is on one of
// its connections only.
func TestSettingsAreOnEveryConnection(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "engaged.db"), Options{Readers: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 3 {
		conn, err := s.reads.Conn(t.Context()) // kept, so that the next is another
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		expectSetting(t, conn, "query_only", "1")
		expectSetting(t, conn, "busy_timeout", "5000")
	}
	expectSetting(t, s.writer.conn, "synchronous", "2") // FULL
	expectSetting(t, s.writer.conn, "journal_mode", "wal")
	expectSetting(t, s.writer.conn, "foreign_keys", "1")
}

func expectSetting(t *testing.T, conn *sql.Conn, name, want string) {
	t.Helper()
	var got string
	if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != want {
		t.Errorf("%s is %q, %v, want %q", name, got, err, want)
	}
}

// TestCloseLeavesNoLog: the last connection to go brings the -wal file into the
// database and removes it. The file of the lock is empty and stays.
func TestCloseLeavesNoLog(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), filepath.Join(dir, "engaged.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(t.Context(), "name", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 || files[0].Name() != "engaged.db" || files[1].Name() != "engaged.db.lock" {
		t.Errorf("after Close there are %v, %v", files, err)
	}
}

func BenchmarkApply(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "engaged.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	post := engagement.NewID()
	stamp := engagement.Stamp{At: 1 << 40, Client: "bench"}
	if _, err := s.Apply(b.Context(), engagement.Operation{Key: "p", User: "ada", Kind: engagement.CreatePost, Post: post, Text: "x", Stamp: stamp}); err != nil {
		b.Fatal(err)
	}
	for name, parallel := range map[string]int{"1-client": 0, "64-clients": 32} {
		b.Run(name, func(b *testing.B) {
			apply := func() {
				if _, err := s.Apply(b.Context(), engagement.Operation{Key: engagement.NewID(), User: "bob",
					Kind: engagement.CreateComment, Post: post, Comment: engagement.NewID(), Text: "hello", Stamp: stamp}); err != nil {
					b.Error(err)
				}
			}
			if parallel == 0 {
				for b.Loop() {
					apply()
				}
				return
			}
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					apply()
				}
			})
		})
	}
}
