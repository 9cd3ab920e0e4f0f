package databasetest

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/server"
)

func momentFresh(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	dbs := []server.Database{open(), open()}
	for i := range 10 {
		changes(tb, dbs[i%2], fmt.Sprint("k", i), i%3 == 0, "e")
		before := position(tb, dbs[i%2])
		if e := entity(tb, dbs[1-i%2], "e"); e.Version != uint64(i+1) {
			tb.Errorf("after version %d another process reads version %d", i+1, e.Version)
		}
		if after := position(tb, dbs[1-i%2]); !reflect.DeepEqual(before, after) {
			tb.Errorf("one process reads at %v, and then another one at %v", before, after)
		}
	}
}

func momentStable(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db, other := open(), open()
	changes(tb, db, "k1", false, "e")
	err := db.Read(tb.Context(), func(ctx context.Context, m server.Moment) error {
		for i := range 3 {
			e, err := m.Entities(ctx, []string{"e", "nobody"})
			if err != nil {
				return err
			}
			keys, err := m.Contains(ctx, []string{"e"}, []string{"u"}, 10)
			if err != nil {
				return err
			}
			if e[0].Version != 1 || e[1] != (server.Entity{ID: "nobody"}) || len(keys[server.Own{Entity: "e", Viewer: "u"}]) != 1 {
				tb.Errorf("the moment shows %+v and %v", e, keys)
			}
			changes(tb, other, fmt.Sprint("after", i), false, "e")
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// momentExact reads moments beside writers with and without Commit.Later. The
// entries of the feed up to a moment's position must add up to exactly the versions
// that the moment shows.
func momentExact(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	dbs := []server.Database{open(), open()}
	from := start(tb, dbs[0])
	ctx := tb.Context()
	ids := []string{"e0", "e1", "e2", "e3", "e4"}
	type seen struct {
		at       server.Cursor
		entities []server.Entity
	}
	var mu sync.Mutex
	var moments []seen
	each(tb, 8, func(n int) error {
		db := dbs[n%len(dbs)]
		for i := range 40 {
			if n >= 3 {
				if err := change(ctx, db, fmt.Sprintf("k%d-%d", n, i), (n+i)%3 > 0, ids[(n+i)%len(ids)]); err != nil {
					return err
				}
				continue
			}
			var s seen
			err := db.Read(ctx, func(ctx context.Context, m server.Moment) (err error) {
				s.at = m.Position()
				s.entities, err = m.Entities(ctx, ids)
				return err
			})
			if err != nil {
				return err
			}
			mu.Lock()
			moments = append(moments, s)
			mu.Unlock()
		}
		return nil
	})
	feed := entriesAfter(tb, dbs[0], from)
	for _, s := range moments {
		upTo := make(map[string]uint64)
		for _, e := range feed {
			if e.Position <= s.at.At[e.Partition] {
				upTo[e.Entity] = e.Version
			}
		}
		for _, e := range s.entities {
			if e.Version != upTo[e.ID] {
				tb.Fatalf("at %v the feed has version %d of %s, and the moment shows version %d", s.at, upTo[e.ID], e.ID, e.Version)
			}
		}
	}
}

func contains(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db, other := open(), open()
	for i := range 6 {
		changes(tb, []server.Database{db, other}[i%2], fmt.Sprint("k", i), i%2 == 0, "a", "b")
	}
	w := begin(tb, db, server.Claim{Keys: []server.Key{{User: "v", Key: "of v"}, {User: "u", Key: "z"}, {User: "u", Key: "y"}, {User: "u", Key: "refused"}}, Entities: []string{"a"}})
	commit(tb, w, server.Commit{Done: []server.Done{
		{Key: server.Key{User: "u", Key: "z"}, Record: server.Record{Already: true}, Entities: []string{"a"}},
		{Key: server.Key{User: "u", Key: "y"}, Entities: []string{"a"}},
		{Key: server.Key{User: "v", Key: "of v"}, Entities: []string{"a"}},
	}})
	for limit, want := range map[int]map[server.Own][]string{
		2: {{Entity: "a", Viewer: "u"}: {"z", "y"}, {Entity: "b", Viewer: "u"}: {"k4", "k5"}, {Entity: "a", Viewer: "v"}: {"of v"}},
		9: {
			{Entity: "a", Viewer: "u"}: {"k0", "k1", "k2", "k3", "k4", "k5", "z", "y"},
			{Entity: "b", Viewer: "u"}: {"k0", "k1", "k2", "k3", "k4", "k5"}, {Entity: "a", Viewer: "v"}: {"of v"},
		},
	} {
		err := other.Read(tb.Context(), func(ctx context.Context, m server.Moment) error {
			got, err := m.Contains(ctx, []string{"a", "b", "c"}, []string{"v", "u", "w"}, limit)
			if err == nil && !reflect.DeepEqual(got, want) {
				tb.Errorf("at most %d keys: %v, and not %v", limit, got, want)
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}
