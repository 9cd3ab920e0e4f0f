package databasetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/optimist-go/optimist/server"
)

func entityKept(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db := open()
	w := begin(tb, db, claim("k1", "b", "a"))
	if got, want := w.Held(), []server.Entity{{ID: "b"}, {ID: "a"}}; !reflect.DeepEqual(got, want) {
		tb.Errorf("held is %+v, and not %+v", got, want)
	}
	at := w.Now()
	commit(tb, w, server.Commit{Changed: []server.Entity{{ID: "a", Version: 1, ChangedAt: at}, {ID: "a", Version: 2, ChangedAt: at + 5}}})
	w = begin(tb, open(), claim("k2", "c", "a", "b"))
	want := []server.Entity{{ID: "c"}, {ID: "a", Version: 2, ChangedAt: at + 5}, {ID: "b"}}
	if got := w.Held(); !reflect.DeepEqual(got, want) {
		tb.Errorf("held is %+v, and not %+v", got, want)
	}
	w.Rollback()
	if got := entity(tb, db, "a"); got != want[1] {
		tb.Errorf("a moment shows %+v, and not %+v", got, want[1])
	}
	if got := entity(tb, db, "b"); got != want[2] {
		tb.Errorf("a moment shows %+v, and not %+v", got, want[2])
	}
}

func entityHeld(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	first, second := open(), open()
	changes(tb, first, "old", false, "e")
	// An entity that exists already, and one that exists only by being held.
	for _, id := range []string{"e", "new"} {
		before := entity(tb, first, id).Version
		w := begin(tb, first, claim("first"+id, id))
		result := beginBeside(tb, second, claim("second"+id, id, "another"))
		commit(tb, w, server.Commit{Changed: grown(w)})
		got := <-result
		if got.err != nil {
			tb.Fatal(got.err)
		}
		if v := got.work.Held()[0].Version; v != before+1 {
			tb.Errorf("an operation that waited for %s sees version %d, and not %d", id, v, before+1)
		}
		got.work.Rollback()
	}
}

func entityAgain(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	w := begin(tb, open(), claim("k1", "e"))
	second := open()
	_, err := second.Begin(tb.Context(), claim("k2", "e"))
	wants(tb, "a held entity", err, server.ErrAgain)
	commit(tb, w, server.Commit{Changed: grown(w)})
	changes(tb, second, "k2", false, "e")
}

// entityOrder claims keys and entities, some of them new, in all orders at the same time.
func entityOrder(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	dbs := []server.Database{open(), open()}
	ctx := tb.Context()
	each(tb, 8, func(n int) error {
		db := dbs[n%len(dbs)]
		dice := rand.New(rand.NewPCG(uint64(n), 1))
		for i := range 25 {
			var c server.Claim
			for _, p := range dice.Perm(6)[:3] {
				c.Entities = append(c.Entities, fmt.Sprintf("e%d-%d", i/5, p))
				c.Keys = append(c.Keys, server.Key{User: "u", Key: fmt.Sprintf("k%d-%d", i/5, p)})
			}
			w, err := db.Begin(ctx, c)
			if err != nil {
				return fmt.Errorf("%v: %w", c, err)
			}
			var commit server.Commit
			if i%3 > 0 { // the third part is refused, and its new entities vanish again
				commit.Changed = grown(w)[:2]
			}
			if err := w.Commit(ctx, commit); err != nil {
				return err
			}
		}
		return nil
	})
}

func updatesCounted(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	dbs := []server.Database{open(), open(), open()}
	const writers, times = 6, 20
	ctx := tb.Context()
	each(tb, writers, func(n int) error {
		for i := range times {
			for { // many wait for one entity
				err := change(ctx, dbs[n%len(dbs)], fmt.Sprintf("k%d-%d", n, i), i%2 == 0, "hot")
				if err == nil {
					break
				}
				if !errors.Is(err, server.ErrAgain) {
					return err
				}
			}
		}
		return nil
	})
	if e := entity(tb, dbs[0], "hot"); e.Version != writers*times {
		tb.Errorf("after %d changes the version is %d", writers*times, e.Version)
	}
}

func rolledBack(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	table(tb, db)
	from := position(tb, db)
	w := begin(tb, db, claim("k", "e"))
	if _, err := w.Exec(tb.Context(), `INSERT INTO databasetest_rows (id, n) VALUES ($1, $2)`, "r", 1); err != nil {
		tb.Fatal(err)
	}
	w.Rollback()
	w.Rollback()
	leftNothing(tb, db, from, "k", "e")
	if err := w.Commit(tb.Context(), server.Commit{}); err == nil {
		tb.Error("a transaction was committed after its end")
	}
}

func failed(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	table(tb, db)
	from := position(tb, db)
	commits := func(w server.Work, writes ...server.Write) error {
		return w.Commit(tb.Context(), server.Commit{Writes: writes, Changed: grown(w), Done: []server.Done{done("k", 1, "e")}})
	}
	insert := server.Write{SQL: `INSERT INTO databasetest_rows (id, n) VALUES ('r', 1)`}

	err := commits(begin(tb, db, claim("k", "e")), insert, insert)
	if err == nil || errors.Is(err, server.ErrAgain) || errors.Is(err, server.ErrUnavailable) {
		tb.Errorf("writing a row twice: the error is %v", err)
	}
	leftNothing(tb, db, from, "k", "e")

	err = commits(begin(tb, db, claim("k", "e")), insert, server.Write{SQL: `this is no SQL`})
	if err == nil {
		tb.Error("a statement that is none was committed")
	}
	leftNothing(tb, db, from, "k", "e")
	changes(tb, db, "k", false, "e")
}

// leftNothing fails the test if the key, the entity, a row of the program or the feed
// shows an effect.
func leftNothing(tb testing.TB, db server.Database, from server.Cursor, key, id string) {
	tb.Helper()
	w := begin(tb, db, claim(key, id))
	if w.Known()[0] != nil || w.Held()[0].Version != 0 {
		tb.Errorf("there is left: key %+v, entity %+v", w.Known()[0], w.Held()[0])
	}
	if rows := rowsOf(tb, w); len(rows) != 0 {
		tb.Errorf("there are rows left: %v", rows)
	}
	w.Rollback()
	if entries := entriesAfter(tb, db, from); len(entries) != 0 {
		tb.Errorf("there are entries left: %v", entries)
	}
}
