package httpapi_test

import (
	"context"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func TestSameKeySameAnswer(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	comment := post + "/comments/" + engagement.NewID()
	key, at := freshKey(), stampAt(0)
	text := map[string]any{"text": "once"}

	first := ada.operate(key, "PUT", comment, at, text)
	equal(t, "first is fresh", first.replayed(), false)
	again := ada.operate(key, "PUT", comment, at, text)
	equal(t, "again is a replay", again.replayed(), true)
	equal(t, "status", again.status, first.status)
	equal(t, "body", string(again.body), string(first.body))
	quoted := ada.operate(`"`+key+`"`, "PUT", comment, at, text)
	equal(t, "the quoted key is the same", quoted.replayed(), true)

	ada.operate(key, "PUT", comment, at, map[string]any{"text": "twice"}).want(422, wire.ProblemKeyReused)
	ada.operate(key, "PUT", comment, at+1, text).want(422, wire.ProblemKeyReused)
	ada.operate(key, "DELETE", comment, at, nil).want(422, wire.ProblemKeyReused)
	ada.operate(key, "PUT", post+"/like", at, nil).want(422, wire.ProblemKeyReused)
	equal(t, "comments", ada.truth(post).State.CommentsCount, 1)

	bob := s.signIn("bob")
	equal(t, "another user's key is another key", bob.operate(key, "PUT", post+"/like", at, nil).replayed(), false)
}

func TestKeysSurviveARestart(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	key, at := freshKey(), stampAt(0)
	first := ada.operate(key, "PUT", post+"/like", at, nil)
	s.stop()

	restarted := start(t, setup{database: s.database})
	ada.server = restarted // the cookie is still good: the secret is in the file
	again := ada.operate(key, "PUT", post+"/like", at, nil)
	equal(t, "replayed", again.replayed(), true)
	equal(t, "status", again.status, first.status)
	equal(t, "body", string(again.body), string(first.body))
	ada.operate(key, "DELETE", post+"/like", at, nil).want(422, wire.ProblemKeyReused)
}

// slowStore holds every Apply until it is released.
type slowStore struct {
	engagement.Store
	entered chan struct{} // one element for each Apply that has begun
	release chan struct{} // closed to let all go
}

func (s *slowStore) Apply(ctx context.Context, op engagement.Operation) (engagement.Applied, error) {
	if op.Kind != engagement.CreatePost {
		s.entered <- struct{}{}
		<-s.release
	}
	return s.Store.Apply(ctx, op)
}

func TestSameKeyWhileRunning(t *testing.T) {
	slow := &slowStore{entered: make(chan struct{}, 10), release: make(chan struct{})}
	s := start(t, setup{wrap: func(real engagement.Store) engagement.Store { slow.Store = real; return slow }})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	post := ada.newPost("hello")
	key, at := freshKey(), stampAt(0)

	var wg sync.WaitGroup
	for _, c := range []*client{ada, bob} { // the same key of two users: no business of each other
		wg.Go(func() {
			r := c.operate(key, "PUT", post+"/like", at, nil)
			if r.status != 200 {
				t.Errorf("the first request: %d %s", r.status, r.body)
			}
		})
	}
	<-slow.entered
	<-slow.entered
	wg.Go(func() { // it waits for the first
		if r := ada.operate(key, "PUT", post+"/like", at, nil); r.status != 200 {
			t.Errorf("the second request: %d %s", r.status, r.body)
		}
	})
	<-slow.entered
	close(slow.release)
	wg.Wait()
	equal(t, "after it has ended", ada.operate(key, "PUT", post+"/like", at, nil).replayed(), true)
	equal(t, "likes", ada.truth(post).State.LikesCount, 2)
}

func TestSameKeyAtOnce(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	comment := post + "/comments/" + engagement.NewID()
	key, at := freshKey(), stampAt(0)
	replies := make(chan reply, 24)
	for range cap(replies) {
		go func() { replies <- ada.operate(key, "PUT", comment, at, map[string]any{"text": "once"}) }()
	}
	fresh := 0
	for range cap(replies) {
		switch r := <-replies; {
		case r.status == 409:
			r.want(409, wire.ProblemInProgress)
		case !r.replayed():
			r.outcome(201)
			fresh++
		default:
			r.outcome(201)
		}
	}
	equal(t, "applied", fresh, 1)
	equal(t, "comments", ada.truth(post).State.CommentsCount, 1)
}
