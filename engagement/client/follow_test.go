package client_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// TestTruthThatCannotBeTaken: later events are not taken either, so that the next stream
// begins before it; and a server that says it again and again is not hammered.
func TestTruthThatCannotBeTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPost(), newPost()
		broken := burst(hello(1), client.Event{Name: wire.EventTruth, ID: "2", Data: []byte(`{"id":"` + a)}, message(wire.EventTruth, "3", truth(b, 1, 0)))
		s := &script{}
		for range 4 {
			s.streams = append(s.streams, broken)
		}
		s.streams = append(s.streams, steady(hello(1), message(wire.EventTruth, "2", truth(a, 7, 0)), message(wire.EventTruth, "3", truth(b, 1, 0))))
		c, _ := follow(t, s, 1)
		time.Sleep(time.Minute / 2)
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Equal(s.asked[:5], []string{place(1), place(1), place(1), place(1), place(1)}) {
			t.Errorf("streams from %s: a change is skipped", s.asked)
		}
		for i := 2; i < 5; i++ {
			if before, now := s.at[i-1].Sub(s.at[i-2]), s.at[i].Sub(s.at[i-1]); now <= before {
				t.Errorf("wait %d is %v after %v", i, now, before)
			}
		}
		if c.Post(a).Version != 7 || c.Post(b).Version != 1 {
			t.Errorf("versions %d and %d", c.Post(a).Version, c.Post(b).Version)
		}
	})
}

// TestStreamThatSaidAllIsNoFailure: the next one is there soon, however often.
func TestStreamThatSaidAllIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		for i := range int64(20) {
			s.streams = append(s.streams, burst(hello(i)))
		}
		follow(t, s, 0)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.asked) != 21 || s.asked[20] != place(19) {
			t.Errorf("streams from %s", s.asked)
		}
	})
}

// TestStreamComesBackWhenItWasTold: not sooner, although its own backoff would be
// shorter.
func TestStreamComesBackWhenItWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = 5 * time.Second
		refused := func(context.Context, func(client.Event)) error {
			return &client.Refusal{Problem: wire.Problem{Status: 503, RetryAfterMs: wait.Milliseconds()}}
		}
		s := &script{streams: []func(context.Context, func(client.Event)) error{refused, refused, steady(hello(1))}}
		follow(t, s, 1)
		time.Sleep(4 * wait)
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.at) != 3 || s.at[1].Sub(s.at[0]) != wait || s.at[2].Sub(s.at[1]) != wait {
			t.Errorf("streams at %v", s.at)
		}
	})
}

func TestSilentStreamIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{streams: []func(context.Context, func(client.Event)) error{
			func(ctx context.Context, take func(client.Event)) error {
				take(hello(1))
				for range 4 { // 15 s are no silence
					time.Sleep(15 * time.Second)
					take(message(wire.EventBeat, "", struct{}{}))
				}
				<-ctx.Done()
				return ctx.Err()
			},
			steady(hello(1)),
		}}
		began := time.Now()
		_, links := follow(t, s, 1)
		for _, want := range []client.Link{client.Connecting, client.Live, client.Broken, client.Live} {
			if got := <-links; got != want {
				t.Fatalf("link %d, want %d", got, want)
			}
		}
		if silence := time.Since(began) - time.Minute; silence < 30*time.Second || silence > time.Minute {
			t.Errorf("left after %v without a word", silence)
		}
	})
}

// TestServerThatIsBackIsTriedAtOnce: an operation that waits long for its next attempt
// leaves when the stream is there again.
func TestServerThatIsBackIsTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		post, down := newPost(), make(chan struct{})
		s := &script{streams: []func(context.Context, func(client.Event)) error{
			func(_ context.Context, take func(client.Event)) error {
				take(hello(1))
				take(message(wire.EventTruth, "2", truth(post, 1, 0)))
				<-down
				return context.Canceled
			},
			steady(hello(2)),
		}}
		s.answer = func(r client.Request) (client.Response, error) {
			if len(s.requests) == 1 {
				p, err := refused(wire.Problem{Type: wire.ProblemOverloaded, Status: 503})
				p.RetryAfter = time.Hour
				return p, err
			}
			done := truth(post, 2, 1)
			done.State.Liked = true
			return ok(wire.Outcome{Truth: done})
		}
		c, links := follow(t, s, 1)
		<-links
		<-links // live
		synctest.Wait()
		tap, err := c.Likes.Toggle(t.Context(), post)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, over := tap.Handle.Result(); over {
			t.Fatal("nothing waits: the test tests nothing")
		}
		close(down)
		began := time.Now()
		if r, err := tap.Wait(t.Context()); err != nil || !r.Success || time.Since(began) > time.Second {
			t.Errorf("%+v, %v, after %v", r, err, time.Since(began))
		}
	})
}
