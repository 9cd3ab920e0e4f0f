// Package memstore keeps everything in memory: the plainest implementation of
// engagement.Store, for tests and for programs that need nothing to last.
package memstore

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement"
)

// Options of a Store. The zero value is ready for use.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is an engagement.Store in memory. Make one with New.
type Store struct {
	now func() time.Time

	// mu guards all fields below.
	mu       sync.Mutex
	closed   bool
	posts    map[string]engagement.Post
	marks    map[markKey]engagement.Mark
	comments map[string][]engagement.Comment // by post, ascending by Number
	records  map[recordKey]record
	latest   map[latestKey][]string // keys of operations, oldest first
	feed     []engagement.FeedEntry // ascending by Position
	feedMade []int64                // when each entry of feed was made
	position int64                  // that of the newest entry ever made
	secrets  map[string][]byte
	ended    map[string]int64 // ended sessions, until when to remember
	watchers map[chan struct{}]bool
}

type markKey struct {
	post, user string
	kind       engagement.MarkKind
}

type recordKey struct{ user, key string }

type latestKey struct{ user, post string }

type record struct {
	fingerprint string
	applied     engagement.Applied
	post        string
	madeAt      int64
}

var _ engagement.Store = (*Store)(nil)

// New returns an empty store.
func New(options Options) *Store {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Store{
		now:      options.Now,
		posts:    make(map[string]engagement.Post),
		marks:    make(map[markKey]engagement.Mark),
		comments: make(map[string][]engagement.Comment),
		records:  make(map[recordKey]record),
		latest:   make(map[latestKey][]string),
		secrets:  make(map[string][]byte),
		ended:    make(map[string]int64),
		watchers: make(map[chan struct{}]bool),
	}
}

// begin locks the store; the caller unlocks it if and only if the error is nil.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return &engagement.Error{Code: engagement.Unavailable, Message: "the store is closed"}
	}
	return nil
}

// Apply implements engagement.Operations.
func (s *Store) Apply(ctx context.Context, op engagement.Operation) (engagement.Applied, error) {
	now := s.now().UnixMilli()
	if err := op.Validate(); err != nil {
		return engagement.Applied{}, err
	}
	if err := s.begin(ctx); err != nil {
		return engagement.Applied{}, err
	}
	defer s.mu.Unlock()

	name := recordKey{op.User, op.Key}
	if known, ok := s.records[name]; ok {
		if known.fingerprint != op.Fingerprint() {
			return engagement.Applied{}, &engagement.Error{Code: engagement.KeyReused, Message: "this key belongs to another operation"}
		}
		known.applied.Replayed = true
		return known.applied, nil
	}
	effect, err := op.Decide(s.heldLocked(op), now)
	if err != nil {
		return engagement.Applied{}, err
	}
	s.writeLocked(op, effect, now)
	applied := engagement.Applied{Already: effect.Already, Version: s.posts[op.Post].Version}
	s.records[name] = record{op.Fingerprint(), applied, op.Post, now}
	by := latestKey{op.User, op.Post}
	s.latest[by] = append(s.latest[by], op.Key)
	return applied, nil
}

func (s *Store) heldLocked(op engagement.Operation) engagement.Held {
	var held engagement.Held
	if post, ok := s.posts[op.Post]; ok {
		held.Post = &post
	}
	if kind, _, ok := op.Mark(); ok {
		held.Mark = s.marks[markKey{op.Post, op.User, kind}]
	}
	for _, c := range s.comments[op.Post] {
		if c.ID == op.Comment {
			held.Comment = &c
		}
	}
	return held
}

func (s *Store) writeLocked(op engagement.Operation, effect engagement.Effect, now int64) {
	if kind, _, ok := op.Mark(); ok && effect.Mark != nil {
		s.marks[markKey{op.Post, op.User, kind}] = *effect.Mark
	}
	if effect.Comment != nil {
		list := s.comments[op.Post]
		i := slices.IndexFunc(list, func(c engagement.Comment) bool { return c.ID == op.Comment })
		if i < 0 {
			s.comments[op.Post] = append(list, *effect.Comment)
		} else {
			list[i] = *effect.Comment
		}
	}
	if effect.Post == nil {
		return
	}
	s.posts[op.Post] = *effect.Post
	if effect.Post.Deleted {
		delete(s.comments, op.Post)
		for k := range s.marks {
			if k.post == op.Post {
				delete(s.marks, k)
			}
		}
	}
	s.position++
	s.feed = append(s.feed, engagement.FeedEntry{Position: s.position, Post: op.Post, Version: effect.Post.Version})
	s.feedMade = append(s.feedMade, now)
	for wake := range s.watchers {
		select {
		case wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// Close implements engagement.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
