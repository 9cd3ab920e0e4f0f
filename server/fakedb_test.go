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

// fakeDB has posts that people like, in memory, with their feed. It counts its calls. Its
// only statement is the liking of a post by a user.
type fakeDB struct {
	// writing has a token for the one transaction that writes.
	writing chan struct{}

	// mu guards the fields below it.
	mu      sync.Mutex
	era     int64
	entries []Entry
	oldest  int64 // position of the oldest entry that is kept
	likes   map[string][]string
	wakes   map[int]func()
	watches int
	keys    map[Key]Done // without fingerprints
	down    error        // is the error of every call
	ending  error        // from the end of the next transaction on down is this, and its error

	asked struct{ entries, moments, rows, shared, own, contains int }
}

func newFakeDB() *fakeDB {
	return &fakeDB{era: 1, likes: make(map[string][]string), wakes: make(map[int]func()),
		writing: make(chan struct{}, 1), keys: make(map[Key]Done)}
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
	entries := db.entries[after.At[0]:]
	entries = slices.Clone(entries[:min(limit, len(entries))])
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

// fakeWork is the transaction that writes.
type fakeWork struct {
	db    *fakeDB
	claim Claim
	liked []Own
	ended bool
}

func (db *fakeDB) Begin(ctx context.Context, claim Claim) (Work, error) {
	select {
	case db.writing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.down != nil {
		<-db.writing
		return nil, db.down
	}
	return &fakeWork{db: db, claim: claim}, nil
}

func (w *fakeWork) Now() int64 { return 1 }

func (w *fakeWork) Known() []*Record {
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	known := make([]*Record, len(w.claim.Keys))
	for i, k := range w.claim.Keys {
		if d, ok := w.db.keys[Key{User: k.User, Key: k.Key}]; ok {
			known[i] = &d.Record
		}
	}
	return known
}

func (w *fakeWork) Held() (held []Entity) {
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	for _, id := range w.claim.Entities {
		held = append(held, Entity{ID: id, Version: uint64(len(w.db.likes[id]))})
	}
	return held
}

func (w *fakeWork) Query(context.Context, func(Scan) error, string, ...any) error { panic("not here") }

func (w *fakeWork) Exec(_ context.Context, _ string, args ...any) (int64, error) {
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	like := Own{args[0].(string), args[1].(string)}
	if slices.Contains(w.db.likes[like.Entity], like.Viewer) {
		return 0, nil
	}
	w.liked = append(w.liked, like)
	return 1, nil
}

func (w *fakeWork) Commit(_ context.Context, c Commit) error {
	for _, d := range c.Done {
		w.db.mu.Lock()
		w.db.keys[Key{User: d.User, Key: d.Key.Key}] = d
		w.db.mu.Unlock()
	}
	for _, like := range w.liked {
		w.db.like(like.Entity, like.Viewer)
	}
	w.end()
	w.db.mu.Lock()
	defer w.db.mu.Unlock()
	if w.db.ending != nil {
		w.db.down, w.db.ending = w.db.ending, nil
	}
	return w.db.down
}

func (w *fakeWork) Rollback() { w.end() }

func (w *fakeWork) end() {
	if !w.ended {
		w.ended = true
		<-w.db.writing
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
