package databasetest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/server"
)

func keyKnown(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db := open()
	w := begin(tb, db, claim("k", "e"))
	if got := w.Known(); len(got) != 1 || got[0] != nil {
		tb.Errorf("a fresh key is known: %+v", got)
	}
	d := done("k", 1, "e")
	d.Already = true
	commit(tb, w, server.Commit{Changed: grown(w), Done: []server.Done{d}})

	c := claim("new", "e")
	c.Keys = append(c.Keys, server.Key{User: "u", Key: "k", Fingerprint: "other"}, server.Key{User: "u", Key: "a"})
	got := begin(tb, open(), c).Known()
	want := []*server.Record{nil, {Fingerprint: "f", Already: true, Version: 1}, nil}
	if !reflect.DeepEqual(got, want) {
		tb.Errorf("known is %+v, and not the record in the claim's order", got)
	}
}

func keyFree(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db := open()
	commit(tb, begin(tb, db, claim("refused", "e")), server.Commit{})
	begin(tb, db, claim("undone", "e")).Rollback()
	w := begin(tb, db, server.Claim{Keys: []server.Key{{User: "u", Key: "one"}, {User: "u", Key: "two", Fingerprint: "f"}, {User: "u", Key: "three"}}, Entities: []string{"e"}})
	commit(tb, w, server.Commit{Changed: grown(w), Done: []server.Done{done("two", 1, "e")}})
	other := open()
	for _, key := range []string{"refused", "undone", "one", "two", "three"} {
		w := begin(tb, other, claim(key))
		if known := w.Known()[0]; (known != nil) != (key == "two") {
			tb.Errorf("key %s is known as %+v", key, known)
		}
		w.Rollback()
	}
}

func keyOfUser(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	changes(tb, db, "k", false, "e")
	w := begin(tb, db, server.Claim{Keys: []server.Key{{User: "other", Key: "k"}}})
	if w.Known()[0] != nil {
		tb.Error("the key of a user is known as that of another")
	}
}

// claimed is the outcome of a Begin that has to wait.
type claimed struct {
	work server.Work
	err  error
}

// beginBeside begins a transaction that has to wait for another one, and gives it time to
// block.
func beginBeside(tb testing.TB, db server.Database, c server.Claim) <-chan claimed {
	result := make(chan claimed, 1)
	ctx := tb.Context()
	go func() {
		w, err := db.Begin(ctx, c)
		result <- claimed{w, err}
	}()
	pause(tb)
	select {
	case got := <-result:
		tb.Errorf("it did not wait: %v", got.err)
		result <- got
	default:
	}
	return result
}

func keyWaited(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	first, second := open(), open()
	w := begin(tb, first, claim("k", "e"))
	result := beginBeside(tb, second, claim("k", "other"))
	commit(tb, w, server.Commit{Changed: grown(w), Done: []server.Done{done("k", 1, "e")}})
	got := <-result
	if got.err != nil {
		tb.Fatal(got.err)
	}
	defer got.work.Rollback()
	if known := got.work.Known()[0]; known == nil || known.Version != 1 {
		tb.Errorf("the key is known as %+v", known)
	}
}

func keyWaitedFree(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	first, second := open(), open()
	for i, end := range []func(server.Work){
		server.Work.Rollback,
		func(w server.Work) { commit(tb, w, server.Commit{}) },
	} {
		key := fmt.Sprint("k", i)
		w := begin(tb, first, claim(key, "e"))
		result := beginBeside(tb, second, claim(key, "other"))
		end(w)
		got := <-result
		if got.err != nil {
			tb.Fatal(got.err)
		}
		if known := got.work.Known()[0]; known != nil {
			tb.Errorf("the key is known as %+v", known)
		}
		got.work.Rollback()
	}
}

func keyBusy(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	first, second := open(), open()
	w := begin(tb, first, claim("k", "e"))
	_, err := second.Begin(tb.Context(), claim("k", "other"))
	// A database with one writer may not know the claim of the transaction that holds it.
	wants(tb, "a claimed key", err, server.ErrBusy, server.ErrAgain)
	if first != second {
		wants(tb, "a claimed key", err, server.ErrBusy)
		changes(tb, second, "free", false, "other")
	}
	commit(tb, w, server.Commit{Changed: grown(w), Done: []server.Done{done("k", 1, "e")}})
	changes(tb, second, "after", false, "e", "other")
}

// keyRaced lets many transactions claim the same keys at the same time, through several
// handles, each with further keys of its own.
func keyRaced(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	dbs := []server.Database{open(), open(), open()}
	const keys, racers = 20, 4
	ctx := tb.Context()
	var mu sync.Mutex
	effects := make(map[string]int)
	each(tb, len(dbs)*racers, func(n int) error {
		db := dbs[n%len(dbs)]
		for i := range keys {
			key := fmt.Sprintf("k%02d", i)
			c := claim(key, "e"+key)
			c.Keys = append(c.Keys, server.Key{User: "u", Key: fmt.Sprintf("k%02d-%d", i, n)})
			w, err := db.Begin(ctx, c)
			if errors.Is(err, server.ErrBusy) || errors.Is(err, server.ErrAgain) {
				continue
			}
			if err != nil {
				return err
			}
			if w.Known()[0] != nil {
				w.Rollback()
				continue
			}
			changed := grown(w)
			if err := w.Commit(ctx, server.Commit{Changed: changed, Done: []server.Done{done(key, changed[0].Version, "e"+key)}}); err != nil {
				return err
			}
			mu.Lock()
			effects[key]++
			mu.Unlock()
		}
		return nil
	})
	for i := range keys {
		key := fmt.Sprintf("k%02d", i)
		if e := entity(tb, dbs[0], "e"+key); effects[key] != 1 || e.Version != 1 {
			tb.Errorf("key %s had %d effects, and its entity is at version %d", key, effects[key], e.Version)
		}
	}
}
