package sqlstore_test

import (
	"path/filepath"
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/server/pgtest"
)

// BenchmarkApply writes comments on one post: the hottest entity that there is.
func BenchmarkApply(b *testing.B) {
	for _, database := range []struct {
		name    string
		address func(testing.TB) string
	}{
		{"SQLite", func(tb testing.TB) string { return filepath.Join(tb.TempDir(), "engaged.db") }},
		{"PostgreSQL", pgtest.Database},
	} {
		for name, parallel := range map[string]int{"1-client": 0, "64-clients": 32} {
			b.Run(database.name+"/"+name, func(b *testing.B) { benchmarkApply(b, database.address(b), parallel) })
		}
	}
}

func benchmarkApply(b *testing.B, address string, parallel int) {
	s := mustOpen(b, address, sqlstore.Options{})
	post := engagement.NewID()
	stamp := engagement.Stamp{At: 1 << 40, Client: "bench"}
	if _, err := s.Apply(b.Context(), engagement.Operation{Key: "p", User: "ada", Kind: engagement.CreatePost, Post: post, Text: "x", Stamp: stamp}); err != nil {
		b.Fatal(err)
	}
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
}
