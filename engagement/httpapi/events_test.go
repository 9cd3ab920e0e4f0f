package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/wire"
)

func TestEventsTellEachViewerTheirOwnTruth(t *testing.T) {
	s := start(t, setup{})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	post := ada.newPost("hello")
	toAda, toBob, toAnybody := ada.listen("", ""), bob.listen("", ""), s.anonymous().listen("", "")
	equal(t, "viewer", toAda.hello(wire.EventHello).Viewer, "ada")
	equal(t, "viewer", toBob.hello(wire.EventHello).Viewer, "bob")
	equal(t, "viewer", toAnybody.hello(wire.EventHello).Viewer, "")

	key := freshKey()
	bob.operate(key, "PUT", post+"/like", stampAt(0), nil).outcome(200)
	for l, want := range map[*listener]struct {
		liked    bool
		contains string
	}{toAda: {false, "not bob's"}, toBob: {true, key}, toAnybody: {false, "none"}} {
		truth, _ := l.until(post, 2)
		equal(t, "likes", truth.State.LikesCount, 1)
		equal(t, "liked", truth.State.Liked, want.liked)
		equal(t, "contains bob's key", strings.Contains(fmt.Sprint(truth.Contains), key), want.contains == key)
	}

	ada.operate(freshKey(), "DELETE", post, stampAt(0), nil).outcome(200)
	truth, _ := toBob.until(post, 3)
	if truth.State != nil {
		t.Fatalf("the truth of a deleted post has a state: %+v", truth.State)
	}
}

func TestEventsResumeWithoutAHole(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	posts := []string{ada.newPost("one"), ada.newPost("two"), ada.newPost("three")}
	first := ada.listen("", "")
	first.hello(wire.EventHello)
	ada.operate(freshKey(), "PUT", posts[0]+"/like", stampAt(0), nil).outcome(200)
	_, id := first.until(posts[0], 2)
	if id == "" {
		t.Fatal("a batch of one event has no position")
	}
	first.close()
	first.ended()

	// While nobody listens:
	for i := range 10 {
		for _, post := range posts[1:] {
			ada.operate(freshKey(), []string{"PUT", "DELETE"}[i%2], post+"/save", stampAt(int64(i)), nil).outcome(200)
		}
	}
	again := ada.listen("?after="+s.at(0), id) // the header is newer than the query
	equal(t, "goes on from", again.hello(wire.EventHello).After, id)
	seen := make(map[string]uint64)
	last := ""
	for len(seen) < 2 {
		truth, id := again.truth()
		if "/v1/posts/"+truth.ID == posts[0] {
			t.Fatal("what was told is told again")
		}
		seen[truth.ID] = truth.Version
		last = id
	}
	for id, version := range seen {
		equal(t, "latest version of "+id, version, 11)
	}
	equal(t, "position of the last of the batch", last, s.newest().String())
}

// TestEventsBeyondOneBatch: more posts have changed than are read at a time, and
// nothing happens that would wake the stream.
func TestEventsBeyondOneBatch(t *testing.T) {
	const many = 300
	s := start(t, setup{})
	for i := range many {
		_, err := s.store.Apply(t.Context(), engagement.Operation{Key: freshKey(), User: "ada", Kind: engagement.CreatePost,
			Post: engagement.NewID(), Text: fmt.Sprint(i), Stamp: engagement.Stamp{At: stampAt(0), Client: "phone"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	stream := s.anonymous().listen("?after="+s.at(0), "")
	stream.hello(wire.EventHello)
	seen := make(map[string]bool)
	for len(seen) < many {
		truth, _ := stream.truth()
		seen[truth.ID] = true
	}
}

func TestEventsFollowAPageWithoutAHole(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	page, err := wire.DecodePage(ada.do("GET", "/v1/posts", "", nil).body)
	if err != nil {
		t.Fatal(err)
	}
	ada.operate(freshKey(), "PUT", post+"/like", stampAt(0), nil).outcome(200) // between both
	stream := ada.listen("?after="+page.After, "")
	stream.hello(wire.EventHello)
	truth, _ := stream.until(post, 2)
	equal(t, "liked", truth.State.Liked, true)
}

func TestEventsFromAnUnknownPositionReset(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	var stream *listener
	for _, unknown := range []string{s.at(999), "1.1"} { // in the future, and of another era
		stream = ada.listen("", unknown)
		equal(t, "goes on from", stream.hello(wire.EventReset).After, s.at(1))
	}
	ada.operate(freshKey(), "PUT", post+"/like", stampAt(0), nil).outcome(200)
	stream.until(post, 2)
}

func TestEventsBeatAndEndWithTheSession(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{Heartbeat: 20 * time.Millisecond}})
	ada := s.signIn("ada")
	stream := ada.listen("", "")
	stream.hello(wire.EventHello)
	select {
	case e := <-stream.events:
		equal(t, "event", e.name, wire.EventBeat)
		e.check(t)
		equal(t, "position of a beat", e.id, "")
	case <-time.After(patience):
		t.Fatal("no heartbeat")
	}
	ada.do("DELETE", "/v1/session", "", nil).want(204, "")
	stream.ended()
}

// mute is a store that does not say whether a session has ended while it is away.
type mute struct {
	engagement.Store
	away atomic.Bool
}

func (m *mute) SessionEnded(ctx context.Context, session string) (bool, error) {
	if m.away.Load() {
		return false, &engagement.Error{Code: engagement.Unavailable, Message: "away"}
	}
	return m.Store.SessionEnded(ctx, session)
}

// TestEventsOutlastTheDatabase: a stream does not end because nobody can say whether its
// session has.
func TestEventsOutlastTheDatabase(t *testing.T) {
	store := &mute{}
	s := start(t, setup{options: httpapi.Options{Heartbeat: 10 * time.Millisecond},
		wrap: func(real engagement.Store) engagement.Store { store.Store = real; return store }})
	ada := s.signIn("ada")
	stream := ada.listen("", "")
	stream.hello(wire.EventHello)
	store.away.Store(true)
	for range 5 {
		select {
		case e := <-stream.events:
			equal(t, "event", e.name, wire.EventBeat)
		case <-time.After(patience):
			t.Fatal("no heartbeat")
		}
	}
	store.away.Store(false)
	ada.do("DELETE", "/v1/session", "", nil).want(204, "")
	stream.ended()
}

func TestEventStreamsAreCounted(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{StreamsEach: 2, Streams: 3}})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	first := ada.listen("", "")
	first.hello(wire.EventHello)
	ada.listen("", "").hello(wire.EventHello)
	equal(t, "third of ada", ada.listen("", "").status, http.StatusTooManyRequests)
	bob.listen("", "").hello(wire.EventHello)
	equal(t, "fourth of all", bob.listen("", "").status, http.StatusServiceUnavailable)
	first.close()
	first.ended()
	// The server hears of it a little later.
	deadline := time.Now().Add(patience)
	for {
		l := ada.listen("", "")
		if l.status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the place is not free again: %d", l.status)
		}
	}
}

// TestEventStreamsOfAnAddressAreCounted: many sessions are no way to more of them.
func TestEventStreamsOfAnAddressAreCounted(t *testing.T) {
	for rate, status := range map[float64]int{0: 429, -1: 200} {
		s := start(t, setup{options: httpapi.Options{Rate: rate, StreamsAddress: 2}})
		for _, name := range []string{"ada", "bob"} {
			s.signIn(name).listen("", "").hello(wire.EventHello)
		}
		equal(t, "third of the address", s.signIn("carl").listen("", "").status, status)
	}
}

// TestSlowStreamIsCutAndResumes has a client that takes the first event and then
// nothing more. It must not hold its place for ever, nor miss anything.
func TestSlowStreamIsCutAndResumes(t *testing.T) {
	s := start(t, setup{options: httpapi.Options{Rate: -1, StreamsEach: 1, EventTimeout: 50 * time.Millisecond}})
	ada := s.signIn("ada")
	post := ada.newPost("hello")
	for range wire.MaxComments { // make each truth large, so that it fills the buffers soon
		ada.operate(freshKey(), "PUT", post+"/comments/"+engagement.NewID(), stampAt(0),
			map[string]any{"text": strings.Repeat("👍", wire.MaxCommentText)}).outcome(201)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(4 << 10) // full all the sooner
	fmt.Fprintf(conn, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\n\r\n", ada.cookie)
	line := ""
	for lines := bufio.NewReaderSize(conn, 16); !strings.HasPrefix(line, "id: "); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	id := strings.TrimSpace(strings.TrimPrefix(line, "id: "))

	var version uint64
	deadline := time.Now().Add(patience)
	for n := int64(1); ; n++ {
		if time.Now().After(deadline) {
			t.Fatal("the slow stream keeps its place")
		}
		version = ada.operate(freshKey(), []string{"DELETE", "PUT"}[n%2], post+"/like", stampAt(n), nil).outcome(200).Version
		if again := ada.listen("", id); again.status == http.StatusOK {
			again.hello(wire.EventHello)
			again.until(post, version)
			return
		}
	}
}

func TestShutdownDrainsStreamsAndFinishesRequests(t *testing.T) {
	s := start(t, setup{})
	ada := s.signIn("ada")
	streams := []*listener{ada.listen("", ""), s.anonymous().listen("", "")}
	for _, l := range streams {
		l.hello(wire.EventHello)
	}
	began := time.Now()
	s.stop()
	for _, l := range streams {
		l.ended()
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("shutdown took %v", took)
	}
}
