package engaged_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/server/check"
	"github.com/optimist-go/optimist/server/checktest"
	"github.com/optimist-go/optimist/server/pgtest"
)

func TestServerKeepsItsHalf(t *testing.T) {
	conforms(t, filepath.Join(t.TempDir(), "engaged.db"), "")
}

func TestTwoServersKeepTheirHalf(t *testing.T) {
	database := pgtest.Database(t)
	conforms(t, database, spawn(t, database).url)
}

// conforms asks a server of the database everything that is checked over HTTP, and kills it
// in between. Its sessions are limited as they are by default, so that it also refuses.
func conforms(t *testing.T, database, also string) {
	profile, err := check.BuiltIn("engagement")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(rateVariable, "0")
	server := spawn(t, database)
	checktest.Run(t, check.Target{URL: server.url, Also: also, Profile: profile, Hurry: 1000, Restart: func(context.Context) error {
		server.kill(t)
		t.Setenv(addrVariable, strings.TrimPrefix(server.url, "http://")) // where it was
		server = spawn(t, database)
		return nil
	}})
}
