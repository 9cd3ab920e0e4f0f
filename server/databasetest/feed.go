package databasetest

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/optimist-go/optimist/server"
)

// versioned is an entry without its position.
type versioned struct {
	entity  string
	version uint64
}

func plain(entries []server.Entry) []versioned {
	var all []versioned
	for _, e := range entries {
		all = append(all, versioned{e.Entity, e.Version})
	}
	return all
}

func feedOrder(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db, other := open(), open()
	from := start(tb, db)
	changes(tb, db, "k1", false, "b")
	w := begin(tb, other, claim("k2", "a", "b"))
	commit(tb, w, server.Commit{Changed: []server.Entity{{ID: "b", Version: 2}, {ID: "a", Version: 1}, {ID: "b", Version: 3}}})
	changes(tb, db, "k3", false, "a")
	got := entriesAfter(tb, other, from)
	want := []versioned{{"b", 1}, {"b", 2}, {"a", 1}, {"b", 3}, {"a", 2}}
	if len(from.At) == 1 && !reflect.DeepEqual(plain(got), want) {
		tb.Errorf("the feed is %v, and not %v", plain(got), want)
	}
	ascending(tb, from, got)
}

// ascending fails the test unless positions ascend in each partition, after the cursor.
func ascending(tb testing.TB, after server.Cursor, entries []server.Entry) {
	tb.Helper()
	last := append([]int64(nil), after.At...)
	for _, e := range entries {
		if e.Position <= last[e.Partition] {
			tb.Fatalf("after position %d of partition %d comes %d", last[e.Partition], e.Partition, e.Position)
		}
		last[e.Partition] = e.Position
	}
}

// byPartition returns the entries of each partition in their order. Entries of different
// partitions have no order.
func byPartition(entries []server.Entry) []server.Entry {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b server.Entry) int { return cmp.Compare(a.Partition, b.Partition) })
	return entries
}

func feedParts(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	from := start(tb, db)
	for i := range 10 {
		changes(tb, db, fmt.Sprint("k", i), i%2 == 1, "e", fmt.Sprint("e", i))
	}
	all := entriesAfter(tb, db, from)
	if len(all) != 20 {
		tb.Fatalf("there are %d entries, and not 20", len(all))
	}
	for limit := 1; limit < 25; limit += 3 {
		var got []server.Entry
		for at := from; ; {
			some, next, err := db.Entries(tb.Context(), at, limit)
			if err != nil {
				tb.Fatal(err)
			}
			if len(some) > limit {
				tb.Fatalf("there are %d entries at once, and the limit is %d", len(some), limit)
			}
			if len(some) == 0 {
				if !reflect.DeepEqual(at, next) {
					tb.Errorf("without entries the cursor went from %v to %v", at, next)
				}
				break
			}
			got, at = append(got, some...), next
		}
		if got = byPartition(got); !reflect.DeepEqual(got, byPartition(all)) {
			tb.Fatalf("in parts of %d the feed is %v, and not %v", limit, got, all)
		}
		// A cursor that was handed out before is not changed.
		if !reflect.DeepEqual(from, start(tb, db)) {
			tb.Fatalf("the cursor was changed to %v", from)
		}
	}
}

// feedHoles runs many writers on several handles, whose commits overtake each other,
// while a reader follows the feed.
func feedHoles(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	dbs := []server.Database{open(), open(), open()}
	const writers, most = 12, 25
	reader := open()
	from := start(tb, reader)
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()

	var writing atomic.Bool
	writing.Store(true)
	type result struct {
		entries []server.Entry
		err     error
	}
	read := make(chan result, 1)
	go func() {
		var r result
		for at, last := from, false; r.err == nil; {
			again := writing.Load() // changes committed before this line are in the feed or wait for Sequence
			var some []server.Entry
			if _, r.err = reader.Sequence(ctx); r.err != nil {
				break
			}
			if some, at, r.err = rest(ctx, reader, at); r.err != nil {
				break
			}
			r.entries = append(r.entries, some...)
			if last {
				break
			}
			last = !again
		}
		read <- r
	}()

	var made atomic.Int64
	each(tb, writers, func(n int) error {
		for i := 0; made.Load() < int64(*entries); i++ {
			// Of different sizes, so that some take longer than those that begin later.
			ids := make([]string, 1+(n*7+i)%most)
			for j := range ids {
				ids[j] = fmt.Sprintf("w%d-%d", n, j)
			}
			if err := change(ctx, dbs[n%len(dbs)], fmt.Sprintf("w%d-%d", n, i), (n+i)%4 == 0, ids...); err != nil {
				return err
			}
			made.Add(int64(len(ids)))
		}
		return nil
	})
	writing.Store(false)
	r := <-read
	if r.err != nil {
		tb.Fatal(r.err)
	}
	seen := make(map[versioned]int)
	for _, e := range r.entries {
		seen[versioned{e.Entity, e.Version}]++
	}
	missed, twice := 0, 0
	for n := range writers {
		for j := range most {
			id := fmt.Sprintf("w%d-%d", n, j)
			for v := range entity(tb, reader, id).Version {
				switch seen[versioned{id, v + 1}] {
				case 0:
					missed++
				case 1:
				default:
					twice++
				}
			}
		}
	}
	if missed > 0 || twice > 0 || len(seen) != int(made.Load()) {
		tb.Errorf("of %d entries %d were missed and %d read twice", made.Load(), missed, twice)
	}
	ascending(tb, from, r.entries)
	versionsAscend(tb, r.entries)
	tb.Logf("%d entries, %d missed", made.Load(), missed)
}

// versionsAscend fails the test unless versions of each entity ascend by one.
func versionsAscend(tb testing.TB, entries []server.Entry) {
	tb.Helper()
	last := make(map[string]uint64)
	for _, e := range entries {
		if e.Version != last[e.Entity]+1 {
			tb.Fatalf("after version %d of %s comes version %d", last[e.Entity], e.Entity, e.Version)
		}
		last[e.Entity] = e.Version
	}
}

// feedVersions changes few entities, with and without Commit.Later, while several
// handles sequence.
func feedVersions(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	dbs := []server.Database{open(), open(), open()}
	from := start(tb, dbs[0])
	ctx := tb.Context()
	each(tb, 9, func(n int) error {
		db := dbs[n%len(dbs)]
		if n < 2 {
			for range 60 {
				if _, err := db.Sequence(ctx); err != nil {
					return err
				}
			}
			return nil
		}
		for i := range 30 {
			ids := []string{fmt.Sprint("e", (n+i)%4), fmt.Sprint("e", (n+i+1+i%3)%4)}
			if err := change(ctx, db, fmt.Sprintf("k%d-%d", n, i), (n+i)%2 == 0, ids...); err != nil {
				return err
			}
		}
		return nil
	})
	got := entriesAfter(tb, dbs[1], from)
	if len(got) != 7*30*2 {
		tb.Errorf("there are %d entries, and not %d", len(got), 7*30*2)
	}
	ascending(tb, from, got)
	versionsAscend(tb, got)
}

func feedLater(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db, other := open(), open()
	from := start(tb, db)
	changes(tb, db, "k1", true, "a")
	changes(tb, db, "k2", true, "b")
	changes(tb, db, "k3", false, "a") // and the change of "a" that was left for later comes before it
	got, _, err := rest(tb.Context(), other, from)
	if err != nil {
		tb.Fatal(err)
	}
	versionsAscend(tb, got)
	if len(got) < 2 {
		tb.Errorf("after a commit that is not later the feed is %v", plain(got))
	}
	moved, err := other.Sequence(tb.Context())
	if err != nil || moved != 3-len(got) {
		tb.Errorf("%d positions were given, %v, and %d were there", moved, err, len(got))
	}
	if moved, err := db.Sequence(tb.Context()); err != nil || moved != 0 {
		tb.Errorf("%d positions were given again, %v", moved, err)
	}
	got = entriesAfter(tb, db, from)
	if len(got) != 3 {
		tb.Errorf("the feed is %v", plain(got))
	}
	versionsAscend(tb, got)
}

func feedGap(tb testing.TB, fresh Fresh) {
	db := fresh(tb)()
	changes(tb, db, "k", false, "e")
	at := position(tb, db)
	if got, next, err := db.Entries(tb.Context(), at, 10); err != nil || len(got) != 0 || !reflect.DeepEqual(next, at) {
		tb.Errorf("at the end: %v, %v, %v", got, next, err)
	}
	future := append([]int64(nil), at.At...)
	future[0]++
	for name, c := range map[string]server.Cursor{
		"no place":            {},
		"the future":          {Era: at.Era, At: future},
		"another era":         {Era: at.Era + 1, At: at.At},
		"an era before":       {Era: at.Era - 1, At: at.At},
		"too many partitions": {Era: at.Era, At: append(at.At[:len(at.At):len(at.At)], 0)},
		"no partitions":       {Era: at.Era},
	} {
		_, _, err := db.Entries(tb.Context(), c, 10)
		wants(tb, name, err, server.ErrGap)
	}
}

func newEra(tb testing.TB, fresh Fresh) {
	open := fresh(tb)
	db, other := open(), open()
	changes(tb, db, "k", false, "e")
	before := position(tb, other)
	for range 3 {
		era, err := db.NewEra(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		after := position(tb, other)
		if era <= before.Era || after.Era != era {
			tb.Errorf("after era %d comes %d, and the position says %d", before.Era, era, after.Era)
		}
		_, _, err = other.Entries(tb.Context(), before, 10)
		wants(tb, "a cursor of the era before", err, server.ErrGap)
		before = after
	}
	changes(tb, db, "k2", false, "e")
	if got := entriesAfter(tb, db, before); len(got) != 1 {
		tb.Errorf("the feed goes on with %v", got)
	}
}
