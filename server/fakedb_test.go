package server

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// fakeDB is a feed of posts that people like, in memory, without operations. It counts
// what is asked of it.
type fakeDB struct {
	// mu guards the fields below it.
	mu      sync.Mutex
	era     int64
	entries []Entry
	oldest  int64 // position of the oldest entry that is kept
	likes   map[string][]string
	wakes   map[int]func()
	watches int
	down    error // is what everything fails with

	asked struct{ entries, moments, rows, shared, own, contains int }
}

func newFakeDB() *fakeDB {
	return &fakeDB{era: 1, likes: make(map[string][]string), wakes: make(map[int]func())}
}

// like has the user like the post, which becomes an entry.
func (db *fakeDB) like(post, user string) Cursor {
	db.mu.Lock()
	db.likes[post] = append(db.likes[post], user)
	db.entries = append(db.entries, Entry{Position: int64(len(db.entries) + 1), Entity: post, Version: uint64(len(db.likes[post]))})
	at := db.position()
	db.mu.Unlock()
	db.Tell()
	return at
}

func (db *fakeDB) position() Cursor { return Cursor{Era: db.era, At: []int64{int64(len(db.entries))}} }

func (db *fakeDB) fail(err error) {
	db.mu.Lock()
	db.down = err
	db.mu.Unlock()
	db.Tell()
}

func (db *fakeDB) Begin(context.Context, Claim) (Work, error)  { panic("not here") }
func (db *fakeDB) Sequence(context.Context) (int, error)       { return 0, nil }
func (db *fakeDB) Forget(context.Context, time.Duration) error { return nil }
func (db *fakeDB) Ready(context.Context) error                 { return nil }
func (db *fakeDB) Close() error                                { return nil }

func (db *fakeDB) NewEra(context.Context) (int64, error) {
	db.mu.Lock()
	db.era++
	era := db.era
	db.mu.Unlock()
	db.Tell()
	return era, nil
}

func (db *fakeDB) Read(ctx context.Context, look func(context.Context, Moment) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.asked.moments++
	if db.down != nil {
		return db.down
	}
	return look(ctx, fakeMoment{db})
}

func (db *fakeDB) Entries(_ context.Context, after Cursor, limit int) ([]Entry, Cursor, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.asked.entries++
	if db.down != nil {
		return nil, Cursor{}, db.down
	}
	if after.Era != db.era || len(after.At) != 1 || after.At[0] > int64(len(db.entries)) || after.At[0] < db.oldest {
		return nil, Cursor{}, ErrGap
	}
	entries := slices.Clone(db.entries[after.At[0]:])
	if len(entries) > limit {
		entries = entries[:limit]
	}
	return entries, Cursor{Era: db.era, At: []int64{after.At[0] + int64(len(entries))}}, nil
}

func (db *fakeDB) Tell() {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, wake := range db.wakes {
		wake()
	}
}

func (db *fakeDB) Watch(wake func()) (stop func()) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.watches++
	n := db.watches
	db.wakes[n] = wake
	return func() {
		db.mu.Lock()
		defer db.mu.Unlock()
		delete(db.wakes, n)
	}
}

// fakeMoment holds the lock of its database.
type fakeMoment struct{ db *fakeDB }

func (m fakeMoment) Query(context.Context, func(Scan) error, string, ...any) error { panic("not here") }
func (m fakeMoment) Position() Cursor                                              { return m.db.position() }

func (m fakeMoment) Entities(_ context.Context, ids []string) (rows []Entity, err error) {
	m.db.asked.rows++
	for _, id := range ids {
		n := len(m.db.likes[id])
		rows = append(rows, Entity{ID: id, Version: uint64(n), ChangedAt: int64(n)})
	}
	return rows, nil
}

func (m fakeMoment) Contains(_ context.Context, ids, users []string, _ int) (map[Own][]string, error) {
	m.db.asked.contains++
	contains := make(map[Own][]string)
	for _, id := range ids {
		for i, user := range m.db.likes[id] {
			if slices.Contains(users, user) {
				contains[Own{id, user}] = append(contains[Own{id, user}], "k"+strconv.Itoa(i))
			}
		}
	}
	return contains, nil
}

var quiet = slog.New(slog.DiscardHandler)

type fakePost struct {
	Likes int  `json:"likes"`
	Liked bool `json:"liked"`
}

// truths reads posts from the moment that it is given.
func (db *fakeDB) truths() Truth[int, bool] {
	return Truth[int, bool]{
		Read: func(_ context.Context, q Query, ids []string) (map[string]int, error) {
			db.asked.shared++
			likes := make(map[string]int)
			for _, id := range ids {
				likes[id] = len(db.likes[id])
			}
			return likes, nil
		},
		Own: func(_ context.Context, q Query, ids, viewers []string) (map[Own]bool, error) {
			db.asked.own++
			own := make(map[Own]bool)
			for _, id := range ids {
				for _, user := range db.likes[id] {
					if slices.Contains(viewers, user) {
						own[Own{id, user}] = true
					}
				}
			}
			return own, nil
		},
		View: func(likes int, liked bool) any { return fakePost{likes, liked} },
	}
}

func openKit(t testing.TB, db *fakeDB) *Kit {
	t.Helper()
	k, err := Open(context.Background(), db, Options{Truth: db.truths(), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func postOf(n int) string { return fmt.Sprintf("post-%d", n) }
