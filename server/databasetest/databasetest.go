// Package databasetest is the contract of [server.Database] as tests.
//
// [Run] tests an implementation. The tests open several handles on one database, as
// several processes do; an implementation for one process may return the same handle each
// time. [RunOpen] tests opening.
//
// The flag -databasetest.entries is the number of feed entries that the test of many
// writers makes.
package databasetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/optimist-go/optimist/server"
)

var entries = flag.Int("databasetest.entries", 6000, "entries of the feed that many writers make while it is read")

// Fresh makes an empty database for one test, and returns a function that opens handles
// on it. The handles are closed when the test ends.
type Fresh func(tb testing.TB) (open func() server.Database)

// check is one test of the contract.
type check struct {
	name string
	run  func(tb testing.TB, fresh Fresh)
}

var checks = []check{
	{"a key is known once its operation was carried out", keyKnown},
	{"a key is free when its operation was not carried out", keyFree},
	{"a key belongs to its user", keyOfUser},
	{"a key that is claimed is waited for and then known", keyWaited},
	{"a key that is claimed is waited for and then free", keyWaitedFree},
	{"a key that is claimed for too long is busy", keyBusy},
	{"a key has one effect when many claim it", keyRaced},
	{"an entity keeps its last version", entityKept},
	{"an entity is held by one transaction", entityHeld},
	{"an entity that is held for too long is to be tried again", entityAgain},
	{"entities are claimed in any order without deadlock", entityOrder},
	{"no update is lost", updatesCounted},
	{"a rolled back transaction leaves nothing", rolledBack},
	{"a failed transaction leaves nothing", failed},
	{"the program reads and writes in the transaction", program},
	{"an error of the program's reading is passed on", programError},
	{"text comes back as it was or is refused", text},
	{"the clock is that of the world", clock},
	{"the feed has the changes in order", feedOrder},
	{"the feed is read on in parts", feedParts},
	{"the feed has no holes beside many writers", feedHoles},
	{"versions of an entity ascend in the feed", feedVersions},
	{"any process puts changes left for later into the feed", feedLater},
	{"an unknown place in the feed is a gap", feedGap},
	{"a new era is greater and makes a gap", newEra},
	{"a moment shows earlier commits", momentFresh},
	{"a moment shows one state and nothing of later ones", momentStable},
	{"a moment's position is exact", momentExact},
	{"truth contains the latest keys in order", contains},
	{"old keys and entries are forgotten", forget},
	{"another process wakes a watcher", watchTold},
	{"a watcher is woken now and then", watchNow},
	{"a stopped watcher is woken no more", watchStopped},
	{"a canceled call begins nothing", canceled},
	{"ready means that it works", ready},
	{"a closed database is not available", closed},
}

// Run tests that the database keeps its contract.
func Run(t *testing.T, fresh Fresh) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh) })
	}
}

// Failing runs the tests of these names and returns the messages of the tests that
// fail, by name. It serves to show that the tests catch a wrong database.
func Failing(tb testing.TB, fresh Fresh, names ...string) map[string]string {
	tb.Helper()
	found := make(map[string]string)
	for _, name := range names {
		c, ok := named(name)
		if !ok {
			tb.Fatalf("there is no test %q", name)
		}
		r := &recorder{TB: tb}
		done := make(chan struct{})
		go func() { // so that FailNow ends it alone
			defer close(done)
			c.run(r, fresh)
		}()
		<-done
		if r.failed {
			found[name] = r.said
		}
	}
	return found
}

func named(name string) (check, bool) {
	for _, c := range checks {
		if c.name == name {
			return c, true
		}
	}
	return check{}, false
}

// recorder records the failure of a test without failing the outer one. It belongs to
// one goroutine.
type recorder struct {
	testing.TB
	failed bool
	said   string
}

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }
func (r *recorder) Fail()                             { r.failed = true }
func (r *recorder) Failed() bool                      { return r.failed }

func (r *recorder) Error(args ...any) {
	r.failed = true
	if r.said == "" {
		r.said = fmt.Sprint(args...)
	}
}

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	r.FailNow()
}

func (r *recorder) FailNow() {
	r.failed = true
	runtime.Goexit()
}

// patience is the longest wait for an event that must happen.
const patience = 30 * time.Second

// claim returns a claim of one key of user "u" and some entities.
func claim(key string, ids ...string) server.Claim {
	return server.Claim{Keys: []server.Key{{User: "u", Key: key, Fingerprint: "f"}}, Entities: ids}
}

// begin begins a transaction, which is rolled back when the test ends.
func begin(tb testing.TB, db server.Database, c server.Claim) server.Work {
	tb.Helper()
	w, err := db.Begin(tb.Context(), c)
	if err != nil {
		tb.Fatalf("Begin: %v", err)
	}
	tb.Cleanup(w.Rollback)
	return w
}

func commit(tb testing.TB, w server.Work, c server.Commit) {
	tb.Helper()
	if err := w.Commit(tb.Context(), c); err != nil {
		tb.Fatalf("Commit: %v", err)
	}
}

// done returns the record that the operation with the key was carried out on the
// entities.
func done(key string, version uint64, ids ...string) server.Done {
	return server.Done{
		Key:      server.Key{User: "u", Key: key, Fingerprint: "f"},
		Record:   server.Record{Fingerprint: "f", Version: version},
		Entities: ids,
	}
}

// grown returns the held entities with their versions grown by one.
func grown(w server.Work) []server.Entity {
	var changed []server.Entity
	for _, e := range w.Held() {
		changed = append(changed, server.Entity{ID: e.ID, Version: e.Version + 1, ChangedAt: max(w.Now(), e.ChangedAt)})
	}
	return changed
}

// change carries out one operation that changes all of the entities.
func change(ctx context.Context, db server.Database, key string, later bool, ids ...string) error {
	w, err := db.Begin(ctx, claim(key, ids...))
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer w.Rollback()
	changed := grown(w)
	if err := w.Commit(ctx, server.Commit{Changed: changed, Done: []server.Done{done(key, changed[0].Version, ids...)}, Later: later}); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// changes is change, and fails the test on an error.
func changes(tb testing.TB, db server.Database, key string, later bool, ids ...string) {
	tb.Helper()
	if err := change(tb.Context(), db, key, later, ids...); err != nil {
		tb.Fatal(err)
	}
}

// position returns the cursor of the newest position in the feed.
func position(tb testing.TB, db server.Database) server.Cursor {
	tb.Helper()
	var at server.Cursor
	err := db.Read(tb.Context(), func(_ context.Context, m server.Moment) error {
		at = m.Position()
		return nil
	})
	if err != nil {
		tb.Fatalf("Read: %v", err)
	}
	return at
}

// start returns the cursor before all entries of a fresh database.
func start(tb testing.TB, db server.Database) server.Cursor {
	tb.Helper()
	at := position(tb, db)
	for i := range at.At {
		at.At[i] = 0
	}
	return at
}

// rest reads all entries after the cursor.
func rest(ctx context.Context, db server.Database, after server.Cursor) ([]server.Entry, server.Cursor, error) {
	var all []server.Entry
	for {
		found, next, err := db.Entries(ctx, after, 500)
		if err != nil {
			return all, after, fmt.Errorf("entries after %s: %w", after, err)
		}
		all, after = append(all, found...), next
		if len(found) == 0 {
			return all, after, nil
		}
	}
}

// entriesAfter sequences all changes and then is rest, failing the test on an error.
func entriesAfter(tb testing.TB, db server.Database, after server.Cursor) []server.Entry {
	tb.Helper()
	if _, err := db.Sequence(tb.Context()); err != nil {
		tb.Fatalf("Sequence: %v", err)
	}
	all, _, err := rest(tb.Context(), db, after)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// entity returns an entity's row as a moment shows it.
func entity(tb testing.TB, db server.Database, id string) server.Entity {
	tb.Helper()
	var e server.Entity
	err := db.Read(tb.Context(), func(ctx context.Context, m server.Moment) error {
		found, err := m.Entities(ctx, []string{id})
		if err == nil {
			e = found[0]
		}
		return err
	})
	if err != nil {
		tb.Fatalf("Read: %v", err)
	}
	return e
}

// wants fails the test unless the error is one of the wanted errors.
func wants(tb testing.TB, what string, err error, want ...error) {
	tb.Helper()
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	tb.Errorf("%s: the error is %v, and not %v", what, err, want)
}
