package sqlstore_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/storetest"
	"github.com/optimist-go/optimist/server/sqlite"
)

func mustOpen(tb testing.TB, address string, options sqlstore.Options) *sqlstore.Store {
	tb.Helper()
	s, err := sqlstore.Open(context.Background(), address, options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func TestStoreInFile(t *testing.T) {
	storetest.Run(t, func(tb testing.TB, now func() time.Time) engagement.Store {
		// A name that needs care in an address.
		return mustOpen(tb, filepath.Join(tb.TempDir(), "100% of a? b#c.db"), sqlstore.Options{Now: now})
	})
}

func TestStoreInMemory(t *testing.T) {
	storetest.Run(t, func(tb testing.TB, now func() time.Time) engagement.Store {
		return mustOpen(tb, sqlstore.Memory, sqlstore.Options{Now: now})
	})
}

func TestOpenFailsClearly(t *testing.T) {
	_, err := sqlstore.Open(context.Background(), filepath.Join(t.TempDir(), "no", "such", "folder", "x.db"), sqlstore.Options{})
	if err == nil {
		t.Fatal("opened a file in a folder that is not there")
	}
}

func TestFileHasOneOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "engaged.db")
	first := mustOpen(t, file, sqlstore.Options{})
	for range 2 { // being refused takes nothing away
		if _, err := sqlstore.Open(context.Background(), file, sqlstore.Options{}); !errors.Is(err, sqlite.ErrInUse) {
			t.Fatalf("a second owner: %v", err)
		}
	}
	if err := first.Ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, file, sqlstore.Options{})
}

func TestKeysSurviveReopening(t *testing.T) {
	file := filepath.Join(t.TempDir(), "engaged.db")
	ctx := context.Background()
	op := engagement.Operation{Key: "k1", User: "ada", Kind: engagement.CreatePost, Post: engagement.NewID(), Text: "hello",
		Stamp: engagement.Stamp{At: 1 << 30, Client: "phone"}}

	first := mustOpen(t, file, sqlstore.Options{})
	if _, err := first.Apply(ctx, op); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := mustOpen(t, file, sqlstore.Options{})
	applied, err := second.Apply(ctx, op)
	if err != nil || !applied.Replayed || applied.Version != 1 {
		t.Fatalf("got %+v, %v", applied, err)
	}
	op.Text = "another"
	if _, err := second.Apply(ctx, op); engagement.ErrorCode(err) != engagement.KeyReused {
		t.Fatalf("got %v", err)
	}
}

// TestCallerMayGoAway: a caller whose context ends in the middle must neither
// harm the others of its group nor leave the writer stuck.
func TestCallerMayGoAway(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "engaged.db"), sqlstore.Options{})
	ctx := context.Background()
	post := engagement.NewID()
	stamp := engagement.Stamp{At: 1 << 30, Client: "phone"}
	if _, err := s.Apply(ctx, engagement.Operation{Key: "p", User: "ada", Kind: engagement.CreatePost, Post: post, Text: "x", Stamp: stamp}); err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	const each = 50
	for i := range each {
		leaving, leave := context.WithCancel(ctx)
		go func() {
			_, err := s.Apply(leaving, engagement.Operation{Key: "like", User: "u" + string(rune('a'+i%26)) + string(rune('a'+i/26)),
				Kind: engagement.LikePost, Post: post, Stamp: stamp})
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			results <- err
		}()
		go func() {
			_, err := s.Apply(ctx, engagement.Operation{Key: engagement.NewID(), User: "bob",
				Kind: engagement.CreateComment, Post: post, Comment: engagement.NewID(), Text: "x", Stamp: stamp})
			leave()
			results <- err
		}()
	}
	for range 2 * each {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	truth, err := s.Truth(ctx, post, "")
	if err != nil || truth.Post.Comments != each {
		t.Fatalf("%d comments, %v, want %d", truth.Post.Comments, err, each)
	}
	if err := s.Audit(ctx); err != nil {
		t.Fatal(err)
	}
}
