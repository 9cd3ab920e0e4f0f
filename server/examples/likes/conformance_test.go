package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/server/check"
	"github.com/optimist-go/optimist/server/checktest"
	"github.com/optimist-go/optimist/server/pgtest"
)

func TestTheServerKeepsItsHalf(t *testing.T) {
	conforms(t, filepath.Join(t.TempDir(), "likes.db"), "")
}

func TestTwoProcessesKeepTheServersHalf(t *testing.T) {
	db := pgtest.Database(t)
	conforms(t, db, start(t, db).url)
}

// conforms asks a server of the database everything, and kills it in between.
func conforms(t *testing.T, db, also string) {
	profile, err := check.BuiltIn("likes")
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, db)
	checktest.Run(t, check.Target{URL: p.url, Also: also, Profile: profile, Restart: func(context.Context) error {
		p.kill()
		t.Setenv("LIKES_ADDR", strings.TrimPrefix(p.url, "http://")) // where it was
		p = start(t, db)
		return nil
	}})
}
