package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func openTemp(t *testing.T) (s *Store, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "engaged.db")
	s, err := Open(t.Context(), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, file
}

// pragma changes a setting of the writer's connection.
func pragma(t *testing.T, s *Store, setting string) {
	t.Helper()
	if _, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA "+setting); err != nil { // the writer is idle
		t.Fatal(err)
	}
}

func writeSecret(name string) func(context.Context, queryer) (bool, error) {
	return func(ctx context.Context, q queryer) (bool, error) {
		_, err := q.statement(insertSecret).ExecContext(ctx, name, []byte("x"))
		return false, err
	}
}

// together commits the requests as one group and returns what each is told.
func together(s *Store, runs ...func(context.Context, queryer) (bool, error)) []error {
	group := make([]request, len(runs))
	for i, run := range runs {
		group[i] = request{ctx: context.Background(), run: run, done: make(chan error, 1)}
	}
	s.writer.commit(group) // the writer is idle
	told := make([]error, len(runs))
	for i, r := range group {
		told[i] = <-r.done
	}
	return told
}

// expectNothing fails unless there are no secrets and writing works.
func expectNothing(t *testing.T, s *Store) {
	t.Helper()
	var kept int
	if err := s.reads.QueryRow(`SELECT COUNT(*) FROM secrets`).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d are there, %v", kept, err)
	}
	if err := s.writer.do(t.Context(), writeSecret("later")); err != nil {
		t.Errorf("and nothing can be written from then on: %v", err)
	}
}

// expectOneReason fails if the error tells more than what went wrong first: that there is
// nothing left to undo is no second trouble.
func expectOneReason(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "ROLLBACK")) {
		t.Errorf("told is %q", err)
	}
}

// TestCommitThatFails: whoever is in the group is told so.
func TestCommitThatFails(t *testing.T) {
	s, _ := openTemp(t)
	told := together(s, writeSecret("a"), func(ctx context.Context, _ queryer) (bool, error) {
		if err := s.writer.exec(ctx, "PRAGMA defer_foreign_keys = ON"); err != nil {
			return false, err
		}
		return true, s.writer.exec(ctx, "INSERT INTO marks VALUES ('no post', 'ada', 'like', TRUE, 1, 'phone')")
	})
	for i, err := range told {
		if err == nil {
			t.Errorf("request %d is told that it is on disk", i)
		}
	}
	expectNothing(t, s)
}

// TestTransactionThatBreaks: after some errors SQLite undoes the whole transaction
// by itself. What came before in the group is lost, and what comes after it must not
// be written outside of any.
func TestTransactionThatBreaks(t *testing.T) {
	s, _ := openTemp(t)
	broken := errors.New("broken")
	for i, err := range together(s, writeSecret("a"), func(ctx context.Context, _ queryer) (bool, error) {
		return true, errors.Join(broken, s.writer.exec(ctx, "ROLLBACK"))
	}, writeSecret("b")) {
		if !errors.Is(err, broken) {
			t.Errorf("request %d is told %v", i, err)
		}
		expectOneReason(t, err)
	}
	expectNothing(t, s)
}

func TestFullDisk(t *testing.T) {
	s, _ := openTemp(t)
	op := engagement.Operation{User: "ada", Kind: engagement.CreatePost, Post: engagement.NewID(), Key: "the-post",
		Text: strings.Repeat("x", wire.MaxPostText), Stamp: engagement.Stamp{At: 1 << 40, Client: "phone"}}
	pragma(t, s, "max_page_count = 1") // as many as there are
	var err error
	for n := 0; err == nil && n < 1000; n++ {
		op.Key, op.Post = engagement.NewID(), engagement.NewID()
		_, err = s.Apply(t.Context(), op)
	}
	if engagement.ErrorCode(err) != engagement.Unavailable {
		t.Fatalf("the disk is full: %v", err)
	}
	expectOneReason(t, err)
	if err := s.Ready(t.Context()); engagement.ErrorCode(err) != engagement.Unavailable {
		t.Errorf("ready: %v", err)
	}
	if _, err := s.Truth(t.Context(), op.Post, ""); engagement.ErrorCode(err) != engagement.NotFound {
		t.Errorf("what was not written: %v", err)
	}
	pragma(t, s, "max_page_count = 1000000")
	if applied, err := s.Apply(t.Context(), op); err != nil || applied.Replayed {
		t.Errorf("when there is room: %+v, %v", applied, err)
	}
}

// TestReadyTellsOfFailedCommits has somebody else hold the lock of the database.
func TestReadyTellsOfFailedCommits(t *testing.T) {
	s, file := openTemp(t)
	pragma(t, s, "busy_timeout = 1")
	other, err := sql.Open("sqlite", address(file, writing))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	held, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Rollback()

	if err := s.Ready(t.Context()); err != nil {
		t.Fatalf("before anything was tried: %v", err)
	}
	if err := s.EndSession(t.Context(), "s1", 1); engagement.ErrorCode(err) != engagement.Unavailable {
		t.Fatalf("a write: %v", err)
	}
	for range 2 {
		if err := s.Ready(t.Context()); engagement.ErrorCode(err) != engagement.Unavailable {
			t.Fatalf("after it: %v", err)
		}
	}
	if _, err := s.Position(t.Context()); err != nil {
		t.Fatalf("reading does not work: %v", err)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatalf("when commits work again: %v", err)
	}
	var left int
	if err := s.reads.QueryRow(`SELECT COUNT(*) FROM ended_sessions`).Scan(&left); err != nil || left != 0 {
		t.Errorf("asking has left %d rows, %v", left, err)
	}
}
