package client_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/memjournal"
)

// backedUp is a server on one address, whose database file can be restored to a copy.
type backedUp struct {
	*engaged.Main
	t    *testing.T
	file string
	copy []byte // of the file
}

func startBackedUp(t *testing.T) *backedUp {
	b := &backedUp{t: t, file: filepath.Join(t.TempDir(), "engaged.db")}
	b.Main = startServer(t, "-db", b.file)
	return b
}

func (b *backedUp) stop() (args []string) {
	b.t.Helper()
	if err := b.Close(); err != nil {
		b.t.Fatal(err)
	}
	return []string{"-db", b.file, "-addr", b.URL()[len("http://"):]}
}

// backUp copies the database, and goes on.
func (b *backedUp) backUp() {
	b.t.Helper()
	args := b.stop()
	var err error
	if b.copy, err = os.ReadFile(b.file); err != nil {
		b.t.Fatal(err)
	}
	b.Main = startServer(b.t, args...)
}

// restore goes on with the copy of the database, in a new era.
func (b *backedUp) restore() {
	b.t.Helper()
	args := b.stop()
	for _, rest := range []string{"-wal", "-shm"} {
		if err := os.Remove(b.file + rest); err != nil && !os.IsNotExist(err) {
			b.t.Fatal(err)
		}
	}
	if err := os.WriteFile(b.file, b.copy, 0o600); err != nil {
		b.t.Fatal(err)
	}
	next := engaged.New()
	if err := next.ParseFlags(args); err != nil {
		b.t.Fatal(err)
	}
	if _, err := next.NewEra(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.Main = startServer(b.t, args...)
}

// holding is a transport that can keep answers of operations back.
type holding struct {
	client.Transport
	held chan struct{} // gets a value for each answer kept

	// mu guards the fields below it.
	mu   sync.Mutex
	gate chan struct{} // an answer passes when it is closed; nil: it passes
	keys map[string]int
}

func newHolding(inner client.Transport) *holding {
	return &holding{Transport: inner, held: make(chan struct{}, 10), keys: make(map[string]int)}
}

// hold keeps back the answers that come from now on, until release is called.
func (h *holding) hold() (release func()) {
	gate := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gate = gate
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.gate = nil
		close(gate)
	}
}

// sent returns the number of requests with the key.
func (h *holding) sent(key string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys[key]
}

func (h *holding) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	h.mu.Lock()
	gate := h.gate
	h.keys[r.Key]++
	h.mu.Unlock()
	a, err := h.Transport.RoundTrip(ctx, r)
	if r.Key != "" && gate != nil {
		h.held <- struct{}{}
		<-gate
	}
	return a, err
}

// restored waits until the user sees exactly the server's state of the post.
func (d *device) restored(b *backedUp, post string) {
	d.t.Helper()
	truth, err := b.Store().Truth(d.t.Context(), post, d.User())
	if err != nil {
		d.t.Fatal(err)
	}
	d.await(post, "the server's version", func(v optimist.View[client.Post]) bool {
		return v.Version == truth.Post.Version && v.Pending == 0
	})
	d.agrees(b.Main, post)
}

// TestRestoredBackup: the clients hold greater versions than the restored database, and a post
// that it does not have; the answer of an operation comes from before. All see the restored
// state without a reload, and the operation is in it.
func TestRestoredBackup(t *testing.T) {
	b := startBackedUp(t)
	ann, ben := newDevice(t, b.Main, "ann", quick), newDevice(t, b.Main, "ben", quick)
	slow := newHolding(ann.wire.Transport)
	ann.wire.Transport = slow
	post, other := ann.posts[0], ann.posts[1]
	if _, err := ann.Likes.Toggle(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	ann.flush()
	b.backUp()

	for _, text := range []string{"one", "two", "three"} {
		if _, _, err := ben.Comments.Add(t.Context(), post, text); err != nil {
			t.Fatal(err)
		}
	}
	vanishing, _, err := ben.Posts.Write(t.Context(), "of the time that is lost")
	if err != nil {
		t.Fatal(err)
	}
	ben.flush()
	for _, d := range []*device{ann, ben} {
		d.restored(b, post)
		d.restored(b, vanishing)
	}
	release := slow.hold()
	save, err := ann.Saves.Toggle(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	<-slow.held
	told := ben.Manager().Subscribe(optimist.SubscribeOptions{})

	b.restore()
	for _, d := range []*device{ann, ben} {
		d.restored(b, post)
		d.await(vanishing, "the post away", func(v optimist.View[client.Post]) bool { return v.Presence == optimist.Absent })
	}
	release()
	ann.flush()
	if r, err := save.Wait(t.Context()); err != nil || !r.Success || !r.IsSaved {
		t.Errorf("the operation under way: %+v, %v", r, err)
	}
	if n := slow.sent(save.Handle.ID()); n != 2 {
		t.Errorf("it was sent %d times with its key", n)
	}
	ann.restored(b, other)
	ben.restored(b, other)
	awaitEvent(t, told, event.EraBegan)
}

// TestRestoredBackupAcrossARestart: the operation whose answer had not come is in the journal
// of a client that has crashed; the client is started again after the restore.
func TestRestoredBackupAcrossARestart(t *testing.T) {
	b := startBackedUp(t)
	inner, err := nethttp.New(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	tr := newHolding(inner)
	if _, err := client.SignIn(t.Context(), tr, "ada"); err != nil {
		t.Fatal(err)
	}
	b.backUp()
	var disk memjournal.Disk
	start := func() (*client.Service, client.Feed) {
		j, err := disk.Open()
		if err != nil {
			t.Fatal(err)
		}
		s, err := client.New(client.Options{Transport: tr, User: "ada", Policy: quick, Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { crash(s) })
		if err := s.Restore(); err != nil {
			t.Fatal(err)
		}
		feed, err := s.Load(t.Context(), "", 50)
		if err != nil {
			t.Fatal(err)
		}
		return s, feed
	}
	first, feed := start()
	post := feed.Posts[0]
	if tap, err := first.Saves.Set(t.Context(), post, true); err != nil {
		t.Fatal(err)
	} else if _, err := tap.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	release := tr.hold()
	like, err := first.Likes.Set(t.Context(), post, true)
	if err != nil {
		t.Fatal(err)
	}
	<-tr.held
	crash(first)
	b.restore()
	release()

	second, again := start()
	at, _ := wire.ParsePosition(feed.After)
	if now, _ := wire.ParsePosition(again.After); now.Era <= at.Era {
		t.Fatalf("era %d after %d", now.Era, at.Era)
	}
	if err := second.Manager().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	truth, err := b.Store().Truth(t.Context(), post, "ada")
	if err != nil {
		t.Fatal(err)
	}
	if v := second.Post(post); v.Version != truth.Post.Version || !v.Value.Liked || !truth.Liked || v.Value.Saved || truth.Saved {
		t.Errorf("%+v, the server holds %+v, liked %v, saved %v", v, truth.Post, truth.Liked, truth.Saved)
	}
	if n := tr.sent(like.Handle.ID()); n != 2 {
		t.Errorf("it was sent %d times with its key", n)
	}
}
