package memstore

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/optimist-go/optimist/engagement"
)

// Position implements engagement.Feed.
func (s *Store) Position(ctx context.Context) (int64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	return s.position, nil
}

// Entries implements engagement.Feed.
func (s *Store) Entries(ctx context.Context, after int64, limit int) ([]engagement.FeedEntry, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	oldest := s.position - int64(len(s.feed))
	if after < oldest || after > s.position {
		return nil, &engagement.Error{Code: engagement.FeedGap, Message: "this position is not known"}
	}
	rest := s.feed[after-oldest:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

// Watch implements engagement.Feed.
func (s *Store) Watch() (<-chan struct{}, func()) {
	wake := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers[wake] = true
	s.mu.Unlock()
	return wake, func() {
		s.mu.Lock()
		delete(s.watchers, wake)
		s.mu.Unlock()
	}
}

// Secret implements engagement.Sessions.
func (s *Store) Secret(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if _, ok := s.secrets[name]; !ok {
		s.secrets[name] = slices.Clone(fresh)
	}
	return slices.Clone(s.secrets[name]), nil
}

// EndSession implements engagement.Sessions.
func (s *Store) EndSession(ctx context.Context, session string, until int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.ended[session] = until
	return nil
}

// SessionEnded implements engagement.Sessions.
func (s *Store) SessionEnded(ctx context.Context, session string) (bool, error) {
	if err := s.begin(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	_, ended := s.ended[session]
	return ended, nil
}

// Forget implements engagement.Store.
func (s *Store) Forget(ctx context.Context, before int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for name, r := range s.records {
		if r.madeAt < before {
			delete(s.records, name)
			by := latestKey{name.user, r.post}
			s.latest[by] = slices.DeleteFunc(s.latest[by], func(key string) bool { return key == name.key })
			if len(s.latest[by]) == 0 {
				delete(s.latest, by)
			}
		}
	}
	for len(s.feed) > 1 && s.feedMade[0] < before {
		s.feed, s.feedMade = s.feed[1:], s.feedMade[1:]
	}
	now := s.now().UnixMilli()
	maps.DeleteFunc(s.ended, func(_ string, until int64) bool { return until < now })
	return nil
}

// Audit implements engagement.Store.
func (s *Store) Audit(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	count := make(map[string][3]int)
	for k, m := range s.marks {
		if m.On {
			c := count[k.post]
			if k.kind == engagement.Like {
				c[0]++
			} else {
				c[1]++
			}
			count[k.post] = c
		}
	}
	for post, list := range s.comments {
		c := count[post]
		for _, comment := range list {
			if !comment.Deleted {
				c[2]++
			}
		}
		count[post] = c
	}
	for id, p := range s.posts {
		if got := [3]int{p.Likes, p.Saves, p.Comments}; got != count[id] {
			return fmt.Errorf("memstore: post %s counts likes, saves, comments %v, there are %v", id, got, count[id])
		}
	}
	return nil
}

// Ready implements engagement.Store.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.mu.Unlock()
	return nil
}
