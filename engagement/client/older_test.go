package client_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/memjournal"
)

// reader is a user who follows no stream: it gets truth when the test says so.
type reader struct {
	*client.Service
	t     *testing.T
	m     *engaged.Main
	pages atomic.Int64 // of comments that were asked for
	late  func()       // before the next read of the post ends, which then finds none; nil: it finds it
	post  string
	older *client.Older
	told  chan error
	woken chan struct{}
}

// pageCounter counts the pages of comments that are asked for.
type pageCounter struct {
	client.Transport
	reader *reader
}

func (c pageCounter) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	switch {
	case strings.Contains(r.Path, "/comments?"):
		c.reader.pages.Add(1)
	case r.Method == "GET" && c.reader.late != nil:
		late := c.reader.late
		c.reader.late = nil
		late()
		return client.Response{Status: 404, Body: []byte(`{"type":"` + wire.ProblemNotFound + `","title":"Not found","status":404}`)}, nil
	}
	return c.Transport.RoundTrip(ctx, r)
}

// newReader shows the older comments of the newest post, to which kofi has written n comments.
func newReader(t *testing.T, m *engaged.Main, n int, policy optimist.Policy) (r *reader, ids []string) {
	t.Helper()
	tr, err := nethttp.New(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SignIn(t.Context(), tr, "zoe"); err != nil {
		t.Fatal(err)
	}
	r = &reader{t: t, m: m, told: make(chan error, 100), woken: make(chan struct{}, 1)}
	r.serve(client.Options{Transport: pageCounter{tr, r}, User: "zoe", Policy: policy, Later: true})
	if err := r.Restore(); err != nil {
		t.Fatal(err)
	}
	feed, err := r.Load(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	r.post = feed.Posts[0]
	ids = r.write("kofi", n)
	r.refresh()
	if r.older, err = r.OlderComments(r.post, r.report); err != nil {
		t.Fatal(err)
	}
	return r, ids
}

func (r *reader) serve(o client.Options) {
	r.t.Helper()
	s, err := client.New(o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.begin(s)
}

// begin goes on with a Service.
func (r *reader) begin(s *client.Service) {
	r.Service = s
	events, stop := context.WithCancel(context.Background())
	sub := s.Manager().Subscribe(optimist.SubscribeOptions{})
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for range sub.All(events) {
			r.wake()
		}
	}()
	r.t.Cleanup(func() { crash(s); stop(); <-heard })
}

func (r *reader) report(err error) {
	if err != nil {
		r.told <- err
	}
	r.wake()
}

func (r *reader) wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// apply changes something at the server; it is not told of it.
func (r *reader) apply(op engagement.Operation) {
	r.t.Helper()
	op.Key, op.Post = engagement.NewID(), r.post
	op.Stamp = engagement.Stamp{At: wire.NewStamp(time.Now().UnixMilli(), 0), Client: "test"}
	if _, err := r.m.Store().Apply(r.t.Context(), op); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) write(user string, n int) (ids []string) {
	r.t.Helper()
	for i := range n {
		id := engagement.NewID()
		ids = append(ids, id)
		r.apply(engagement.Operation{Kind: engagement.CreateComment, User: user, Comment: id, Text: fmt.Sprintf("%s %d", user, i)})
	}
	return ids
}

func (r *reader) edit(user, id, text string) {
	r.t.Helper()
	r.apply(engagement.Operation{Kind: engagement.EditComment, User: user, Comment: id, Text: text})
}

func (r *reader) remove(user, id string) {
	r.t.Helper()
	r.apply(engagement.Operation{Kind: engagement.DeleteComment, User: user, Comment: id})
}

func (r *reader) refresh() {
	r.t.Helper()
	if err := r.Refresh(r.t.Context(), r.post); err != nil {
		r.t.Fatal(err)
	}
}

// shown are all comments that the user sees, and whether there are more.
func (r *reader) shown() (all []wire.Comment, v client.OlderView) {
	p := r.Post(r.post).Value
	v = r.older.View(&p)
	return slices.Concat(v.Comments, p.Comments), v
}

// truth are the comments that the server has.
func (r *reader) truth() []wire.Comment {
	r.t.Helper()
	var all []engagement.Comment
	for cursor, more := (wire.Cursor{}), true; more; {
		page, err := r.m.Store().Comments(r.t.Context(), r.post, cursor, 100)
		if err != nil {
			r.t.Fatal(err)
		}
		if all, more = slices.Concat(page.Comments, all), page.More; more {
			cursor = wire.Cursor{Order: all[0].Number, ID: all[0].ID}
		}
	}
	return engagement.CommentsToWire(all)
}

// until waits until the shown comments are as wanted.
func (r *reader) until(what string, ok func([]wire.Comment, client.OlderView) bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for !ok(r.shown()) {
		select {
		case <-r.woken:
		case <-ctx.Done():
			all, v := r.shown()
			r.t.Fatalf("never: %s; there are %d, more %v, loading %v", what, len(all), v.More, v.Loading)
		}
	}
}

// whole reports whether exactly the server's newest comments are shown, at least n.
func (r *reader) whole(n int) func([]wire.Comment, client.OlderView) bool {
	truth := r.truth()
	return func(all []wire.Comment, v client.OlderView) bool {
		return len(all) >= n && !v.Loading && len(all) <= len(truth) && slices.Equal(all, truth[len(truth)-len(all):]) && v.More == (len(all) < len(truth))
	}
}

// more shows n comments.
func (r *reader) more(n int) {
	r.t.Helper()
	for whole := r.whole(0); ; {
		all, _ := r.shown()
		if len(all) >= n {
			return
		}
		before := len(all)
		r.older.More()
		r.until("a page more", func(all []wire.Comment, v client.OlderView) bool { return len(all) > before && whole(all, v) })
	}
}

// close ends the older comments, of which nothing must be left.
func (r *reader) close() {
	r.t.Helper()
	r.older.Close()
	if n := r.OlderHeld(); n != 0 {
		r.t.Errorf("%d are held after Close", n)
	}
}

func textOf(all []wire.Comment, id string) string {
	for _, c := range all {
		if c.ID == id {
			return c.Text
		}
	}
	return ""
}

// TestOlderCommentsFollow: others write, edit and delete while several pages are loaded; the
// shown comments are always the server's, as far as they were loaded.
func TestOlderCommentsFollow(t *testing.T) {
	r, ids := newReader(t, startServer(t), 230, quick)
	if all, v := r.shown(); len(all) != wire.MaxComments || !v.More || r.pages.Load() != 0 {
		t.Fatalf("%d at first, more %v", len(all), v.More)
	}
	r.more(150)
	r.edit("kofi", ids[100], "of the second page, edited")
	r.remove("kofi", ids[150])
	r.remove("kofi", ids[181]) // one of the post's own
	r.refresh()
	r.until("the changes", r.whole(140))
	r.write("kofi", 7)
	r.remove("kofi", ids[229])
	r.refresh()
	r.until("new ones, which push others out", r.whole(140))
	r.until("the end of all reads", func([]wire.Comment, client.OlderView) bool { return !r.older.Renewing() })
	r.edit("kofi", ids[228], "the post itself shows it")
	r.refresh()
	if r.until("it", r.whole(140)); r.older.Renewing() {
		t.Error("all are read anew for a change that the post itself shows")
	}
	r.more(236 - 4)
	if all, v := r.shown(); v.More || textOf(all, ids[0]) == "" {
		t.Error("the beginning is not there")
	}
}

// TestOlderCommentsHaveNoGap: more new comments than a post holds, at once.
func TestOlderCommentsHaveNoGap(t *testing.T) {
	r, ids := newReader(t, startServer(t), 160, quick)
	r.more(130)
	r.write("kofi", 120)
	r.remove("kofi", ids[140])
	r.Manager().SetOnline(false)
	r.refresh()
	if _, v := r.shown(); !v.Loading {
		t.Error("the gap is not told of")
	}
	r.Manager().SetOnline(true)
	r.until("all of them", r.whole(240))
}

// TestOwnOlderComments: a change of an older comment shows at once, and its settling takes nothing
// back for a moment, and reads nothing.
func TestOwnOlderComments(t *testing.T) {
	m := startServer(t)
	r, _ := newReader(t, m, 0, once())
	r.older.Close()
	ids := r.write("zoe", 3)
	r.write("kofi", 120)
	r.refresh()
	var err error
	if r.older, err = r.OlderComments(r.post, r.report); err != nil {
		t.Fatal(err)
	}
	r.more(123)
	edited, deleted, failing := ids[0], ids[1], ids[2]

	ctx, stop := context.WithCancel(t.Context())
	var flickered atomic.Pointer[string]
	watched := make(chan struct{})
	r.Manager().SetOnline(false)
	h, err := r.Comments.Edit(t.Context(), r.post, edited, "new words")
	if err != nil {
		t.Fatal(err)
	}
	looks := r.Watch(ctx, r.post)
	go func() {
		defer close(watched)
		for v := range looks {
			if text := textOf(r.older.View(&v.Value).Comments, edited); text != "new words" {
				flickered.Store(&text)
			}
		}
	}()
	if all, _ := r.shown(); textOf(all, edited) != "new words" {
		t.Error("the edit is not to be seen at once")
	}
	r.Manager().SetOnline(true)
	wait(t, h)
	if all, _ := r.shown(); textOf(all, edited) != "new words" || r.older.Renewing() {
		t.Error("the edit is gone, or all are read anew")
	}
	if h, err = r.Comments.Delete(t.Context(), r.post, deleted); err != nil {
		t.Fatal(err)
	}
	r.Comments.SendDeletions(r.post)
	wait(t, h)
	all, _ := r.shown()
	if textOf(all, deleted) != "" || !slices.EqualFunc(all, r.truth(), func(a, b wire.Comment) bool {
		return a.ID == b.ID && a.Text == b.Text && (a.EditedAt == 0) == (b.EditedAt == 0)
	}) {
		t.Error("the server has others")
	}
	if r.older.Renewing() {
		t.Error("all are read anew for the user's own change")
	}
	stop()
	<-watched
	if text := flickered.Load(); text != nil {
		t.Errorf("the edited comment was %q in between", *text)
	}

	// Undo writes a deleted comment anew.
	by, err := h.Undo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wait(t, by)
	own := r.Post(r.post).Value.Comments
	if last := own[len(own)-1]; last.Text != "zoe 1" || last.ID == deleted {
		t.Errorf("%+v", last)
	}

	// One that fails stays in view until the user gives it up.
	setNetwork(t, m, fault.Rule{ServerError: 1})
	if _, err = r.Comments.Edit(t.Context(), r.post, failing, "never"); err != nil {
		t.Fatal(err)
	}
	r.until("the failure", func(all []wire.Comment, _ client.OlderView) bool {
		return textOf(all, failing) == "never" && r.Post(r.post).Parked == 1
	})
	if err := r.Comments.Discard(failing); err != nil {
		t.Fatal(err)
	}
	if all, _ := r.shown(); textOf(all, failing) != "zoe 2" {
		t.Error("the old text is not back")
	}
	setNetwork(t, m, fault.Rule{})

	// One that the server refuses, because the comment is gone.
	r.remove("zoe", failing)
	if h, err = r.Comments.Edit(t.Context(), r.post, failing, "too late"); err != nil {
		t.Fatal(err)
	}
	wait(t, h)
	r.refresh()
	r.until("the server's comments", r.whole(100))
}

// TestOlderCommentsNotRead: the error is told once, and the page comes when it can.
func TestOlderCommentsNotRead(t *testing.T) {
	m := startServer(t)
	policy := quick
	policy.Retry.Max = optimist.Forever
	r, _ := newReader(t, m, 70, policy)
	setNetwork(t, m, fault.Rule{ServerError: 1})
	r.older.More()
	r.older.More() // by an impatient finger
	if err := <-r.told; err == nil {
		t.Error("no error")
	}
	if _, v := r.shown(); !v.Loading || !v.More {
		t.Errorf("%+v", v)
	}
	setNetwork(t, m, fault.Rule{})
	r.until("all", r.whole(70))
	if len(r.told) != 0 {
		t.Error("told twice")
	}
}

// TestOlderCommentsOfANewEra: the server goes on with a copy of its database.
func TestOlderCommentsOfANewEra(t *testing.T) {
	b := startBackedUp(t)
	r, _ := newReader(t, b.Main, 130, quick)
	b.backUp()
	r.m = b.Main
	ids := r.write("kofi", 30)
	r.refresh()
	r.more(160)
	r.edit("kofi", ids[0], "of the time that is lost")
	r.refresh()
	r.until("the edit", r.whole(160))
	b.restore()
	r.m = b.Main
	r.write("ann", 20)
	r.refresh()
	r.until("the restored ones", r.whole(150))
	r.close()
}

// TestOlderCommentsMove: they stay when the changes get a journal.
func TestOlderCommentsMove(t *testing.T) {
	r, ids := newReader(t, startServer(t), 170, quick)
	r.more(100)
	r.edit("kofi", ids[80], "edited before")
	r.refresh()
	r.until("the edit", r.whole(100))
	before, _ := r.shown()
	r.Manager().SetOnline(false)
	r.older.More() // has to wait
	var disk memjournal.Disk
	j, err := disk.Open()
	if err != nil {
		t.Fatal(err)
	}
	next, err := r.Move(j)
	if err != nil {
		t.Fatal(err)
	}
	next.Manager().SetOnline(false)
	if err := next.Restore(); err != nil {
		t.Fatal(err)
	}
	r.begin(next)
	if r.older, err = r.older.Resume(next); err != nil {
		t.Fatal(err)
	}
	if after, v := r.shown(); !slices.Equal(after, before) || !v.Loading || !v.More {
		t.Errorf("%d comments, %+v; before %d", len(after), v, len(before))
	}
	next.Manager().SetOnline(true)
	r.until("the page that was asked for", r.whole(150))
	r.edit("kofi", ids[81], "edited after")
	r.refresh()
	r.until("the edit", r.whole(150))
	r.close()
}

// TestClosedOlderComments leave nothing behind, also when pages are on their way.
func TestClosedOlderComments(t *testing.T) {
	r, ids := newReader(t, startServer(t), 170, quick)
	r.more(100)
	r.remove("kofi", ids[90])
	r.remove("kofi", ids[169])
	r.refresh()
	r.until("that they are gone", r.whole(90))
	if n := r.OlderHeld(); n < 98 {
		t.Fatalf("%d are held: the test tests nothing", n)
	}
	r.edit("kofi", ids[100], "one more")
	r.refresh()
	r.older.More()
	r.older.Close()
	r.close()

	var err error
	if r.older, err = r.OlderComments(r.post, r.report); err != nil {
		t.Fatal(err)
	}
	r.more(100)
	author := r.Post(r.post).Value.Author
	r.apply(engagement.Operation{Kind: engagement.DeletePost, User: author})
	r.refresh()
	if n := r.OlderHeld(); n != 0 {
		t.Errorf("%d are held of a post that is deleted", n)
	}
	r.older.More()
	r.older.Close()
}

// TestOlderCommentsBeforeThePostIsReadAnew: a new era is known from the stream, and the post is
// still of the one before.
func TestOlderCommentsBeforeThePostIsReadAnew(t *testing.T) {
	r, _ := newReader(t, startServer(t), 130, quick)
	r.older.Close()
	p := r.Post(r.post).Value
	if err := r.Manager().NewEra(p.Era + 1); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.older, err = r.OlderComments(r.post, r.report); err != nil {
		t.Fatalf("a tap on Show older comments has no effect: %v", err)
	}
}

// TestOlderCommentsOfAPostThatIsThere: a read that found no post is older than the truth that came
// while it was under way, so the comments stay, and follow.
func TestOlderCommentsOfAPostThatIsThere(t *testing.T) {
	r, _ := newReader(t, startServer(t), 130, quick)
	r.more(100)
	r.late = func() { r.write("kofi", 1); r.refresh() }
	r.refresh()
	r.until("that they are there", r.whole(101))
	r.more(131)
	r.close()
}
