package server_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/optimist-go/optimist/server"
)

var seeds = flag.Uint64("twin.seeds", 20, "runs beside the twin")

// dice makes operations that meet often.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 1))} }

func (d dice) account() string { return fmt.Sprint("a", d.IntN(4)) }

func (d dice) op(mostFaults int) (name string, p pay) {
	p = pay{To: d.account(), N: d.IntN(200)}
	if d.IntN(2) == 0 {
		p.From = d.account()
	}
	if d.IntN(6) == 0 {
		p.N = 0
	}
	name = []string{"decided", "run"}[d.IntN(2)]
	switch n := d.IntN(100); {
	case n < 5:
		p.Fault = "refuse"
	case n < 5+mostFaults:
		p.Fault = faults[name][d.IntN(len(faults[name]))]
	}
	if p.From == p.To {
		p.From = ""
	}
	return name, p
}

// TestKitDoesWhatItsTwinDoes: one operation after the other.
func TestKitDoesWhatItsTwinDoes(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			db := openMemory(t)
			kit, w, d := openBank(t, db, nil), newTwin(), newDice(seed)
			for i := range 200 {
				name, p := d.op(15)
				user, key := fmt.Sprint("u", d.IntN(2)), fmt.Sprint("k", d.IntN(120))
				outcome, err := kit.Apply(t.Context(), name, user, key, p)
				want, kind := w.apply(name, user, key, p)
				if outcome != want || kindOf(err) != kind {
					t.Fatalf("%d: %s of %s/%s %+v: %+v, %v; the twin says %+v, %q", i, name, user, key, p, outcome, err, want, kind)
				}
			}
			expectTwin(t, kit, db, w)
		})
	}
}

// expectTwin fails unless the database has the same rows as the twin.
func expectTwin(t *testing.T, kit *server.Kit, db server.Database, w *twin) {
	t.Helper()
	var at server.Cursor
	err := kit.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
		at = m.Position()
		for i := range 4 {
			id := fmt.Sprint("a", i)
			for _, user := range []string{"u0", "u1"} {
				views, err := kit.Views(ctx, m, user, id)
				if err != nil {
					return err
				}
				v, contains := views[0], w.contains[id+"/"+user]
				contains = contains[max(0, len(contains)-50):]
				state, _ := v.State.(int)
				if v.ID != id || v.Version != w.versions[id] || state != w.balances[id] || len(contains)+len(v.Contains) > 0 && !reflect.DeepEqual(v.Contains, contains) {
					t.Errorf("%+v; the twin has version %d, %d and %v", v, w.versions[id], w.balances[id], contains)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	versions := expectFeed(t, db, at)
	for id, v := range w.versions {
		if versions[id] != v {
			t.Errorf("the feed ends with version %d of %s, the twin has %d", versions[id], id, v)
		}
	}
}

// expectFeed fails unless the feed has each version of each entity once, in order. It
// returns the last ones.
func expectFeed(t *testing.T, db server.Database, at server.Cursor) map[string]uint64 {
	t.Helper()
	versions := make(map[string]uint64)
	for next := (server.Cursor{Era: at.Era, At: make([]int64, len(at.At))}); ; {
		entries, on, err := db.Entries(t.Context(), next, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			return versions
		}
		for _, e := range entries {
			if versions[e.Entity]++; e.Version != versions[e.Entity] {
				t.Fatalf("the feed has %+v, where version %d comes next", e, versions[e.Entity])
			}
		}
		next = on
	}
}
