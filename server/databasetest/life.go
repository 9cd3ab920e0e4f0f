package databasetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/optimist-go/optimist/server"
)

func forget(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db, other := open(), open()
	from := start(tb, db)
	for i := range 5 {
		changes(tb, db, fmt.Sprint("old", i), i%2 == 0, "e")
	}
	middle := position(tb, db)
	now := func() int64 {
		w := begin(tb, db, server.Claim{})
		defer w.Rollback()
		return w.Now()
	}
	for made := now(); now() <= made+1; { // until the clock is past the time of the entries
		pause(tb)
	}
	known := func(key string) bool {
		w := begin(tb, other, claim(key))
		defer w.Rollback()
		return w.Known()[0] != nil
	}
	if err := db.Forget(tb.Context(), time.Minute); err != nil {
		tb.Fatal(err)
	}
	if !known("old0") || len(entriesAfter(tb, other, from)) != 5 {
		tb.Error("a key or an entry of this minute was forgotten")
	}
	if err := db.Forget(tb.Context(), 0); err != nil {
		tb.Fatal(err)
	}
	if known("old0") || known("old4") {
		tb.Error("an old key is still known")
	}
	_, _, err := other.Entries(tb.Context(), from, 10)
	wants(tb, "a place before the forgotten entries", err, server.ErrGap)
	at := server.Cursor{Era: middle.Era, At: append([]int64(nil), middle.At...)}
	if got, _, err := other.Entries(tb.Context(), at, 10); err != nil || len(got) != 0 {
		tb.Errorf("at the newest place: %v, %v", got, err)
	}
	if len(at.At) == 1 { // the newest entry stays
		at.At[0]--
		if got, _, err := other.Entries(tb.Context(), at, 10); err != nil || len(got) != 1 || got[0].Version != 5 {
			tb.Errorf("before the newest entry: %v, %v", got, err)
		}
	}
	changes(tb, db, "young", false, "e")
	if err := db.Forget(tb.Context(), time.Minute); err != nil {
		tb.Fatal(err)
	}
	if !known("young") {
		tb.Error("a young key was forgotten")
	}
	if got := entriesAfter(tb, other, middle); len(got) != 1 || got[0].Version != 6 {
		tb.Errorf("the feed goes on with %v", got)
	}
	err = db.Read(tb.Context(), func(ctx context.Context, m server.Moment) error {
		keys, err := m.Contains(ctx, []string{"e"}, []string{"u"}, 10)
		if own := (server.Own{Entity: "e", Viewer: "u"}); err == nil && (len(keys[own]) != 1 || keys[own][0] != "young") {
			tb.Errorf("truth contains %v", keys)
		}
		return err
	})
	if err != nil {
		tb.Error(err)
	}
	if e := entity(tb, db, "e"); e.Version != 6 {
		tb.Errorf("the entity is at version %d", e.Version)
	}
}

// watcher watches the database and tells the test of each call of wake.
func watcher(tb testing.TB, db server.Database) (<-chan struct{}, func()) {
	woken := make(chan struct{}, 1)
	stop := db.Watch(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	tb.Cleanup(stop)
	return woken, stop
}

func watchTold(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db, other := open(), open()
	at := start(tb, other)
	woken, _ := watcher(tb, other)
	second, _ := watcher(tb, db)
	for i := range 20 {
		changes(tb, db, fmt.Sprint("k", i), false, "e")
		db.Tell()
		db.Tell()
		for {
			eventually(tb, "wake-up", woken)
			got, next, err := rest(tb.Context(), other, at)
			if err != nil {
				tb.Fatal(err)
			}
			if at = next; len(got) > 0 {
				break
			}
		}
	}
	eventually(tb, "wake-up in the same process", second)
}

func watchNow(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	woken, _ := watcher(tb, db)
	for range 3 {
		eventually(tb, "wake-up without a reason", woken)
	}
}

func watchStopped(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	stopped := false // no call of wake may begin after stop has returned
	stop := db.Watch(func() {
		if stopped {
			panic("woken after stop")
		}
	})
	for range 10 {
		db.Tell()
	}
	stop()
	stopped = true
	woken, _ := watcher(tb, db)
	db.Tell()
	eventually(tb, "wake-up of another one", woken)
}

func canceled(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db := open()
	w := begin(tb, db, claim("k", "e"))
	ctx, cancel := context.WithCancel(tb.Context())
	result := make(chan error, 1)
	go func() {
		_, err := open().Begin(ctx, claim("k2", "e"))
		result <- err
	}()
	pause(tb)
	cancel()
	if err := eventually(tb, "the end of a canceled Begin", result); err == nil {
		tb.Error("a canceled Begin began")
	}
	commit(tb, w, server.Commit{Changed: grown(w)})
	if _, err := db.Begin(ctx, claim("k3", "e")); err == nil {
		tb.Error("a canceled Begin began")
	}
	if err := db.Read(ctx, func(context.Context, server.Moment) error { return nil }); err == nil {
		tb.Error("a canceled Read read")
	}
	changes(tb, db, "k2", false, "e")
	if e := entity(tb, db, "e"); e.Version != 2 {
		tb.Errorf("the entity is at version %d, and not 2", e.Version)
	}
}

func ready(tb testing.TB, fresh Fresh) {
	if err := fresh(tb)().Ready(tb.Context()); err != nil {
		tb.Error(err)
	}
}

func closed(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db := open()
	at := position(tb, db)
	w := begin(tb, db, claim("k", "e"))
	watcher(tb, db)
	closing := make(chan error, 1)
	go func() { closing <- db.Close() }()
	if err := eventually(tb, "the end of Close beside an open transaction", closing); err != nil {
		tb.Errorf("Close: %v", err)
	}
	if err := db.Close(); err != nil {
		tb.Errorf("second Close: %v", err)
	}
	wants(tb, "Commit", w.Commit(tb.Context(), server.Commit{Changed: grown(w)}), server.ErrUnavailable)
	w.Rollback()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	_, err := db.Begin(ctx, claim("k2"))
	wants(tb, "Begin", err, server.ErrUnavailable)
	wants(tb, "Read", db.Read(ctx, func(context.Context, server.Moment) error { return nil }), server.ErrUnavailable)
	_, _, err = db.Entries(ctx, at, 1)
	wants(tb, "Entries", err, server.ErrUnavailable)
	_, err = db.Sequence(ctx)
	wants(tb, "Sequence", err, server.ErrUnavailable)
	wants(tb, "Forget", db.Forget(ctx, 1), server.ErrUnavailable)
	_, err = db.NewEra(ctx)
	wants(tb, "NewEra", err, server.ErrUnavailable)
	wants(tb, "Ready", db.Ready(ctx), server.ErrUnavailable)
	db.Tell()
	db.Watch(func() {})()
}
