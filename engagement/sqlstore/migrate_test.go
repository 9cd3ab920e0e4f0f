package sqlstore

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

const (
	oldPost    = "01932c07-209b-7b4e-8a0e-5d3d1a2b3c4d"
	oldComment = "01932c07-209b-7b4e-8a0e-5d3d1a2b3c4e"
)

// oldRows are rows of a server with the first schema.
var oldRows = []string{
	`INSERT INTO posts VALUES ('` + oldPost + `', 'ada', 'hello', 1000, 1, 0, 1, 2, 4, 3000, FALSE)`,
	`INSERT INTO marks VALUES ('` + oldPost + `', 'bob', 'like', TRUE, 117440512, 'phone')`,
	`INSERT INTO comments VALUES ('` + oldPost + `', '` + oldComment + `', 'bob', 'yes', 2, 3000, 0, 117440513, 'phone', FALSE)`,
	`INSERT INTO operations VALUES (2, 'bob', 'k2', '` + oldPost + `', 'fingerprint', FALSE, 2, 2000)`,
	`INSERT INTO changes VALUES (3, '` + oldPost + `', 3, 2500), (4, '` + oldPost + `', 4, 3000)`,
	`INSERT INTO secrets VALUES ('session', 'the secret')`,
	`INSERT INTO ended_sessions VALUES ('s1', 9000000000000)`,
}

// oldFile makes a database of the first schema, in which there was no kit, with the rows.
func oldFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "engaged.db")
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, row := range oldRows {
		if _, err := db.Exec(row); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
	}
	return file
}

// TestOldDatabaseIsMigrated opens a file of the first schema: all that it holds is there
// but the records of operations, and it goes on from there.
func TestOldDatabaseIsMigrated(t *testing.T) {
	file := oldFile(t)
	for range 2 { // the second opens a file of today
		s, err := Open(t.Context(), file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkOldRows(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	again := engagement.Operation{Key: "k2", User: "bob", Kind: engagement.LikePost, Post: oldPost,
		Stamp: engagement.Stamp{At: 117_440_512, Client: "phone"}}
	if applied, err := s.Apply(t.Context(), again); err != nil || !applied.Already || applied.Version != 4 {
		t.Errorf("an operation that is repeated across the change: %+v, %v", applied, err)
	}
	edit := engagement.Operation{Key: "k5", User: "bob", Kind: engagement.EditComment, Post: oldPost, Comment: oldComment, Text: "no",
		Stamp: engagement.Stamp{At: 1 << 40, Client: "phone"}}
	if applied, err := s.Apply(t.Context(), edit); err != nil || applied.Version != 5 {
		t.Fatalf("an edit: %+v, %v", applied, err)
	}
	if truth, err := s.Truth(t.Context(), oldPost, ""); err != nil || truth.Post.Revised != 5 {
		t.Errorf("after an edit: %+v, %v", truth.Post, err)
	}
}

func checkOldRows(t *testing.T, s *Store) {
	t.Helper()
	want := engagement.Truth{
		Post: engagement.Post{ID: oldPost, Author: "ada", Text: "hello", CreatedAt: 1000, Likes: 1, Comments: 1, CommentsMade: 2,
			Version: 4, ChangedAt: 3000},
		Liked: true,
		Comments: []engagement.Comment{{ID: oldComment, PostID: oldPost, Author: "bob", Text: "yes", Number: 2, CreatedAt: 3000,
			Stamp: engagement.Stamp{At: 117_440_513, Client: "phone"}}},
	}
	truth, err := s.Truth(t.Context(), oldPost, "bob")
	if _, ok := wire.ParsePosition(truth.Position); !ok {
		t.Errorf("position %q", truth.Position)
	}
	truth.Position = "" // of the file's own era
	if err != nil || !reflect.DeepEqual(truth, want) {
		t.Errorf("truth: %+v, %v, want %+v", truth, err, want)
	}
	if secret, err := s.Secret(t.Context(), "session", []byte("fresh")); err != nil || string(secret) != "the secret" {
		t.Errorf("secret: %q, %v", secret, err)
	}
	if ended, err := s.SessionEnded(t.Context(), "s1"); err != nil || !ended {
		t.Errorf("ended session: %v, %v", ended, err)
	}
	if err := s.Audit(t.Context()); err != nil {
		t.Error(err)
	}
}
