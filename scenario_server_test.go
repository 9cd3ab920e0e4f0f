package optimist_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
)

var storedGift = optimist.Stored[gift]{
	Version: 1,
	Encode:  func(g gift) ([]byte, error) { return json.Marshal(g) },
	Decode:  func(_ int, data []byte) (g gift, err error) { err = json.Unmarshal(data, &g); return g, err },
}

// post is an article on the server.
type post struct {
	article
	version uint64
	at      optimist.Timestamp
}

// backend is the server: it does what it is asked, once per key, unless its script
// says otherwise for the next call.
type backend struct {
	stage *stage
	kept
	backup  kept
	latency time.Duration
	next    []string // how the next calls end; nothing: well
	calls   []call
}

// kept is what the server has on its disk.
type kept struct {
	posts map[string]*post
	done  map[string]bool   // by key
	made  map[string]string // ids of drafts, by key
	era   uint64            // 0: it names none
}

func (k kept) copied() kept {
	c := kept{posts: make(map[string]*post), done: maps.Clone(k.done), made: maps.Clone(k.made), era: k.era}
	for id, p := range k.posts {
		old := *p
		c.posts[id] = &old
	}
	return c
}

type call struct {
	at         time.Time
	name, what string
}

// travel is how long a call takes: not quite the same for any two.
func (s *backend) travel(key string) time.Duration {
	n, _ := strconv.Atoi(strings.TrimPrefix(s.stage.nameOf(key), "h"))
	s.stage.mu.Lock()
	defer s.stage.mu.Unlock()
	return s.latency + time.Duration(n)*time.Microsecond
}

func (s *backend) post(id string) *post {
	if s.posts[id] == nil {
		s.posts[id] = &post{version: 1}
	}
	return s.posts[id]
}

func (s *backend) note(typ string, c optimist.Call[gift]) string {
	name := s.stage.nameOf(c.ID)
	s.stage.mu.Lock()
	defer s.stage.mu.Unlock()
	how := "ok"
	if len(s.next) > 0 {
		how, s.next = s.next[0], s.next[1:]
	}
	what := typ
	if c.Entity != "" {
		what += " of " + c.Entity
	}
	if len(c.Refs) > 0 {
		what += " to " + strings.Join(c.Refs, " ")
	}
	if c.Args.User != "" {
		what += fmt.Sprintf(" %s=%v", c.Args.User, c.Args.On)
	}
	if c.Args.Text != "" {
		what += fmt.Sprintf(" %q", c.Args.Text)
	}
	s.calls = append(s.calls, call{time.Now(), name, fmt.Sprintf("%s attempt %d: %s", what, c.Number, how)})
	return how
}

// take is one call.
func (s *backend) take(ctx context.Context, typ string, c optimist.Call[gift], apply func(article, gift) (article, error)) (t optimist.Truth[article], err error) {
	how := s.note(typ, c)
	entity := s.entity(typ, c)
	if typ == "link" {
		c.Args.To = c.Refs[0]
	}
	select {
	case <-time.After(s.travel(c.ID)):
	case <-ctx.Done():
		return t, ctx.Err()
	}
	if how == "hang" {
		<-ctx.Done()
		return t, ctx.Err()
	}
	for i := int64(1); how == "slow" && i <= 4; i++ {
		select {
		case <-time.After(8 * time.Second):
			c.Progress(i, 4)
		case <-ctx.Done():
			return t, ctx.Err()
		}
	}
	s.stage.mu.Lock()
	defer s.stage.mu.Unlock()
	p := s.post(entity)
	if fails := failure(how); fails != nil {
		return t, fails
	}
	switch how {
	case "last-writer":
		if c.At <= p.at {
			return s.truth(p), optimist.Fail(optimist.Conflicting, errors.New("a later change is there"))
		}
		p.at = c.At
	case "conflict", "late-conflict":
		p.version++
		p.Text = "theirs"
		p.at = c.At - 1
		if how == "late-conflict" {
			p.at = c.At + 1
		}
		return s.truth(p), optimist.Fail(optimist.Conflicting, errors.New("something else is there"))
	}
	old := s.truth(p)
	if !s.done[c.ID] {
		s.done[c.ID] = true
		if apply != nil {
			p.article, _ = apply(p.article, c.Args)
		} else {
			p.article = article{}
		}
		p.version++
	}
	switch how {
	case "lose-answer":
		return t, optimist.Fail(optimist.Unknown, errors.New("no answer came"))
	case "version-only":
		return optimist.AcceptedAt[article](p.version), nil
	case "silent":
		return t, nil
	case "lag":
		return old, nil
	case "lag-told":
		old.Wrote = p.version
		return old, nil
	case "shout":
		p.Text = strings.ToUpper(p.Text)
	}
	if apply == nil {
		return optimist.Gone[article](p.version), nil
	}
	t = s.truth(p)
	if typ == "draft" {
		t.ID = entity
	}
	return t, nil
}

// entity is the id of the article of a call: for a draft, the one that the server makes for it.
func (s *backend) entity(typ string, c optimist.Call[gift]) string {
	if typ != "draft" {
		return c.Entity
	}
	s.stage.mu.Lock()
	defer s.stage.mu.Unlock()
	if s.made[c.ID] == "" {
		s.made[c.ID] = fmt.Sprintf("s%d", len(s.made)+1)
	}
	return s.made[c.ID]
}

// read is how one article is read anew.
func (s *backend) read(ctx context.Context, id string) (t optimist.Truth[article], err error) {
	s.stage.mu.Lock()
	t, wait := s.truth(s.post(id)), s.latency
	s.calls = append(s.calls, call{time.Now(), "read", "of " + id})
	s.stage.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		err = ctx.Err()
	}
	return t, err
}

// refuse is one call of a group: it works, or fails as the script says.
func (s *backend) refuse(ctx context.Context, typ string, c optimist.Call[gift]) error {
	how := s.note(typ, c)
	time.Sleep(s.travel(c.ID))
	return failure(how)
}

func (s *backend) truth(p *post) optimist.Truth[article] {
	t := optimist.TruthOf(p.article, p.version)
	t.At, t.By, t.Era = p.at, "server", s.era
	return t
}

func failure(how string) error {
	switch how {
	case "transient":
		return errors.New("try again")
	case "500":
		return optimist.StatusError(500, 0, nil)
	case "permanent":
		return optimist.Fail(optimist.Permanent, errors.New("forbidden"))
	case "overloaded":
		return &optimist.SendError{Class: optimist.Overloaded, RetryAfter: 7 * time.Second, Err: errors.New("too busy")}
	case "unreachable":
		return optimist.Fail(optimist.Offline, errors.New("nobody was reached"))
	case "unauthenticated":
		return optimist.Fail(optimist.Unauthenticated, errors.New("who are you"))
	}
	return nil
}
