package optimist_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
)

// The code of docs/guide.md.

// sessions has a manager for each session, while the session lasts.
type sessions struct {
	mu  sync.Mutex
	all map[string]*optimist.Manager
}

func (s *sessions) of(id string) (m *optimist.Manager, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m = s.all[id]; m == nil {
		if m, err = optimist.New(optimist.Options{}); err == nil {
			s.all[id] = m
		}
	}
	return m, err
}

func (s *sessions) end(ctx context.Context, id string) error {
	s.mu.Lock()
	m := s.all[id]
	delete(s.all, id)
	s.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.Close(ctx) // sends what is left, until ctx ends
}

// One session whose user is not known to the server any more pauses no other.
func Example_guideSessions() {
	ctx := context.Background()
	live := &sessions{all: make(map[string]*optimist.Manager)}
	for _, user := range []string{"ann", "ben"} {
		m, _ := live.of(user)
		notes := optimist.NewStore[string](m, "note")
		write := optimist.Register(notes, optimist.Mutation[string, string]{
			Type:  "write",
			Apply: func(_, text string) (string, error) { return text, nil },
			Send: func(_ context.Context, c optimist.Call[string]) (none optimist.Truth[string], err error) {
				if user == "ann" {
					return none, optimist.StatusError(401, 0, nil)
				}
				return optimist.TruthOf(c.Args, 2), nil
			},
		})
		notes.Receive("1", optimist.TruthOf("", 1))
		write.Execute(ctx, "1", "hello from "+user)
	}
	fmt.Println("ben:", live.end(ctx, "ben"))
	soon, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	fmt.Println("ann, unsent:", live.end(soon, "ann") != nil)
	// Output:
	// ben: <nil>
	// ann, unsent: true
}

// newID is a UUIDv7: ids of later moments sort behind earlier ones.
func newID() string {
	var b [16]byte
	rand.Read(b[6:])
	ms := uint64(time.Now().UnixMilli())
	binary.BigEndian.PutUint32(b[:4], uint32(ms>>16))
	binary.BigEndian.PutUint16(b[4:6], uint16(ms))
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func TestGuideIDs(t *testing.T) {
	synctest.Test(t, testIDs)
}

func testIDs(t *testing.T) {
	a := newID()
	time.Sleep(2 * time.Millisecond)
	if b := newID(); len(a) != 36 || a[14] != '7' || b[:13] <= a[:13] {
		t.Error(a, b)
	}
}

// guideLike is the type of operation that the snippets use.
func guideLike(m *optimist.Manager, send func(context.Context, optimist.Call[optimist.Switched]) (optimist.Truth[bool], error)) (*optimist.Store[bool], *optimist.Switch[bool]) {
	posts := optimist.NewStore[bool](m, "post")
	like := optimist.RegisterToggle(posts, optimist.Toggle[bool]{
		Type: "like",
		Get:  func(liked bool, _ string) bool { return liked },
		Set:  func(_ bool, _ string, on bool) bool { return on },
		Send: send,
	})
	posts.Receive("42", optimist.TruthOf(false, 1))
	return posts, like
}

// takeBack is the button in the message "You like this. Undo".
func takeBack(ctx context.Context, tap *optimist.Handle) string {
	switch _, err := tap.Undo(ctx); {
	case errors.Is(err, optimist.ErrChangedSince):
		return "it has changed meanwhile"
	case errors.Is(err, optimist.ErrSettled):
		return "this is too long ago"
	case err != nil:
		return err.Error()
	}
	return "undone"
}

func Example_guideUndo() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	version := uint64(1)
	posts, like := guideLike(m, func(_ context.Context, c optimist.Call[optimist.Switched]) (optimist.Truth[bool], error) {
		version++
		return optimist.TruthOf(c.Args.On, version), nil
	})
	tap, _ := like.Toggle(ctx, "42", "ann")
	m.Flush(ctx) // the server has it
	fmt.Println(posts.View("42").Value, takeBack(ctx, tap), posts.View("42").Value)
	m.Flush(ctx)
	posts.Receive("42", optimist.TruthOf(true, 9)) // on another device
	fmt.Println(takeBack(ctx, tap))                // the first undo stands: no second call
	m.Close(ctx)
	// Output:
	// true undone false
	// undone
}

// logOut leaves nothing of the user behind. It tries to send the remaining operations first.
func logOut(ctx context.Context, m *optimist.Manager, posts *optimist.Store[bool], shown []string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	sent := m.Flush(ctx) // nil: all is settled or parked
	if err := m.ClearAll(); err != nil {
		return err // ErrNotOnDisk: the journal is not cleared yet
	}
	for _, id := range shown {
		posts.Forget(id) // truth of this user's: whether he likes the post
	}
	return sent
}

// logIn lets sending go on, which a 401 has paused.
func logIn(m *optimist.Manager) error { return m.RetryNow() }

func Example_guideLogOut() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	sent := 0
	posts, like := guideLike(m, func(context.Context, optimist.Call[optimist.Switched]) (none optimist.Truth[bool], err error) {
		sent++
		return none, optimist.StatusError(401, 0, nil)
	})
	like.Toggle(ctx, "42", "ann")
	soon, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	fmt.Println("all sent:", logOut(soon, m, posts, []string{"42"}) == nil)
	fmt.Println("left:", posts.View("42").Presence, m.PendingCount("post:42"), logIn(m))
	m.Close(ctx)
	// Output:
	// all sent: false
	// left: not loaded 0 <nil>
}

// restored is a read's answer after the restore: of era 2, so its small version is not old.
func restored(value bool) optimist.Truth[bool] {
	t := optimist.TruthOf(value, 7)
	t.Era = 2
	return t
}

func Example_guideBackup() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts, _ := guideLike(m, func(context.Context, optimist.Call[optimist.Switched]) (none optimist.Truth[bool], err error) {
		return none, nil
	})
	m.NewEra(1)
	posts.Receive("42", optimist.TruthOf(true, 900))
	posts.Receive("42", optimist.TruthOf(false, 7)) // without an era: older, as it seems
	fmt.Println(posts.View("42").Value)
	posts.Receive("42", restored(false))
	fmt.Println(posts.View("42").Value, posts.View("42").Version)
	m.Close(ctx)
	// Output:
	// true
	// false 7
}

// created is the answer to a creation: the server's id, beside the value.
func created(id string, text string) optimist.Truth[string] {
	t := optimist.TruthOf(text, 1)
	t.ID = id
	return t
}

func Example_guideServerIDs() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	notes := optimist.NewStore[string](m, "note")
	add := optimist.Register(notes, optimist.Mutation[string, string]{
		Type: "add", Kind: optimist.Create, ServerID: true,
		Apply: func(_, text string) (string, error) { return text, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			return created("17", c.Args), nil
		},
	})
	add.Execute(ctx, "mine", "milk")
	fmt.Println(notes.View("mine").Value)
	m.Flush(ctx)
	fmt.Println(notes.View("17").Value)
	m.Close(ctx)
	// Output:
	// milk
	// milk
}

// upload sends a file in pieces, and tells its progress.
func upload(ctx context.Context, c optimist.Call[[]string], put func(context.Context, string) error) (none optimist.Truth[bool], err error) {
	for i, piece := range c.Args {
		if err := put(ctx, piece); err != nil {
			return none, err
		}
		c.Progress(int64(i+1), int64(len(c.Args))) // begins the timeout anew
	}
	return optimist.TruthOf(true, 1), nil
}

func Example_guideUpload() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	files := optimist.NewStore[bool](m, "file")
	up := optimist.Register(files, optimist.Mutation[bool, []string]{
		Type: "upload", Kind: optimist.Create,
		Apply: func(bool, []string) (bool, error) { return true, nil },
		Send: func(ctx context.Context, c optimist.Call[[]string]) (optimist.Truth[bool], error) {
			return upload(ctx, c, func(context.Context, string) error { return nil })
		},
		Policy: optimist.Policy{
			Retry:  optimist.Retry{Timeout: 10 * time.Second, MaxTimeout: time.Hour},
			Cancel: optimist.EndCalls,
		},
	})
	h, _ := up.Execute(ctx, newID(), []string{"a", "b", "c"})
	r, _ := h.Wait(ctx)
	fmt.Println(r.Outcome)
	m.Close(ctx)
	// Output:
	// confirmed
}

// accepted is truth of an answer without a body.
func accepted(version uint64) optimist.Truth[bool] {
	if version == 0 {
		return optimist.Truth[bool]{} // done, as predicted
	}
	return optimist.AcceptedAt[bool](version) // done; shown as predicted until truth of that version comes
}

func Example_guideNoContent() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts, like := guideLike(m, func(context.Context, optimist.Call[optimist.Switched]) (optimist.Truth[bool], error) {
		return accepted(2), nil // as a 204 with the ETag "2"
	})
	tap, _ := like.Toggle(ctx, "42", "ann")
	tap.Await(ctx, optimist.Acknowledged)
	fmt.Println(tap.State(), posts.View("42").Value)
	posts.Receive("42", optimist.TruthOf(true, 2)) // by push or refetch
	fmt.Println(tap.State(), posts.View("42").Value)
	m.Close(ctx)
	// Output:
	// acknowledged true
	// ended true
}

// written is truth of an answer that was read from a replica, beside the version that the
// primary gave to the write.
func written(liked bool, version, wrote uint64) optimist.Truth[bool] {
	t := optimist.TruthOf(liked, version)
	t.Wrote = wrote
	return t
}

func Example_guideReplica() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts, like := guideLike(m, func(context.Context, optimist.Call[optimist.Switched]) (optimist.Truth[bool], error) {
		return written(false, 1, 2), nil // the replica does not have the like yet
	})
	tap, _ := like.Toggle(ctx, "42", "ann")
	tap.Await(ctx, optimist.Acknowledged)
	fmt.Println(tap.State(), posts.View("42").Value) // no flicker
	posts.Receive("42", optimist.TruthOf(true, 2))
	fmt.Println(tap.State(), posts.View("42").Value)
	m.Close(ctx)
	// Output:
	// acknowledged true
	// ended true
}

// TestGuideSnippets keeps the code of the guide to code that runs as a test.
func TestGuideSnippets(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		if strings.HasPrefix(file, "example_") || file == "guide_test.go" {
			all.WriteString(read(t, file))
		}
	}
	blocks := strings.Split(read(t, filepath.Join("docs", "guide.md")), "```go\n")[1:]
	if len(blocks) < 8 {
		t.Fatalf("the guide has %d pieces of code", len(blocks))
	}
	for _, block := range blocks {
		code, _, ended := strings.Cut(block, "```")
		if !ended || !strings.Contains(all.String(), "\n"+code) {
			t.Errorf("no test has this code of the guide:\n%s", code)
		}
	}
}
