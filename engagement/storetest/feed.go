package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/optimist-go/optimist/engagement"
)

// patience is how long the suite waits for what must come.
const patience = 10 * time.Second

func (f *fixture) entries(after int64, limit int) []engagement.FeedEntry {
	f.Helper()
	list, err := f.Entries(context.Background(), after, limit)
	if err != nil {
		f.Fatal(err)
	}
	return list
}

func testFeed(f *fixture) {
	expect(f, "empty feed", len(f.entries(0, 10)), 0)
	post := f.newPost()
	f.must(f.op(engagement.LikePost, "bob", post))
	f.must(f.op(engagement.LikePost, "bob", post)) // already so: no entry
	other := f.newPost()
	f.must(f.op(engagement.UnlikePost, "bob", post))
	want := []string{post + " 1", post + " 2", other + " 1", post + " 3"}

	var after int64
	for _, limit := range []int{1, 2, 10} {
		for _, e := range f.entries(after, limit) {
			expect(f, "entry", fmt.Sprint(e.Post, " ", e.Version), want[0])
			if e.Position <= after {
				f.Fatalf("position %d follows %d", e.Position, after)
			}
			after, want = e.Position, want[1:]
		}
	}
	expect(f, "entries left", len(want), 0)
	position, err := f.Position(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	expect(f, "position", position, after)
	expect(f, "after the end", len(f.entries(position, 10)), 0)
	_, err = f.Entries(context.Background(), position+1, 10)
	expect(f, "the future", engagement.ErrorCode(err), engagement.FeedGap)
}

func testFeedWakes(f *fixture) {
	wake, stop := f.Watch()
	post := f.newPost()
	after := f.awaken(wake, 0, post)
	f.must(f.op(engagement.LikePost, "bob", post))
	f.awaken(wake, after, post)
	stop()
	f.must(f.op(engagement.UnlikePost, "bob", post))
	select {
	case <-wake:
		f.Fatal("woken after stop")
	default:
	}
}

// awaken waits for the wake and returns the position of the entry that it is about.
func (f *fixture) awaken(wake <-chan struct{}, after int64, post string) int64 {
	f.Helper()
	select {
	case <-wake:
	case <-time.After(patience):
		f.Fatal("not woken")
	}
	list := f.entries(after, 10)
	expect(f, "entries", len(list), 1)
	expect(f, "post", list[0].Post, post)
	return list[0].Position
}

func testForget(f *fixture) {
	ctx := context.Background()
	post := f.newPost()
	like := f.op(engagement.LikePost, "bob", post)
	f.must(like)
	f.advance(time.Hour)
	later := f.op(engagement.UnlikePost, "bob", post)
	f.must(later)
	position, _ := f.Position(ctx)
	if err := f.Forget(ctx, f.now().Add(-time.Minute).UnixMilli()); err != nil {
		f.Fatal(err)
	}
	expect(f, "the recent key is known", f.must(later).Replayed, true)
	_, err := f.Apply(ctx, like)
	expect(f, "the old key is not, and its stamp still loses", engagement.ErrorCode(err), engagement.Conflict)
	_, err = f.Entries(ctx, 0, 10)
	expect(f, "from a forgotten position", engagement.ErrorCode(err), engagement.FeedGap)
	expect(f, "what is kept", len(f.entries(position-1, 10)), 1)

	f.advance(time.Hour)
	if err := f.Forget(ctx, f.now().UnixMilli()); err != nil {
		f.Fatal(err)
	}
	expect(f, "the newest entry stays", len(f.entries(position-1, 10)), 1)
	expect(f, "contains", len(f.truth(post, "bob").Contains), 0)
	f.must(f.op(engagement.LikePost, "bob", post))
	expect(f, "positions go on", f.entries(position, 10)[0].Position, position+1)
	f.audit()
}

func testSessions(f *fixture) {
	ctx := context.Background()
	first, err := f.Secret(ctx, "session", []byte("one"))
	if err != nil {
		f.Fatal(err)
	}
	second, err := f.Secret(ctx, "session", []byte("two"))
	if err != nil {
		f.Fatal(err)
	}
	expect(f, "the first secret", string(first), "one")
	expect(f, "is kept", string(second), "one")
	other, _ := f.Secret(ctx, "other", []byte("three"))
	expect(f, "by name", string(other), "three")

	ended := func(id string) bool {
		f.Helper()
		ended, err := f.SessionEnded(ctx, id)
		if err != nil {
			f.Fatal(err)
		}
		return ended
	}
	expect(f, "ended", ended("s1"), false)
	for range 2 {
		if err := f.EndSession(ctx, "s1", f.now().Add(time.Hour).UnixMilli()); err != nil {
			f.Fatal(err)
		}
	}
	expect(f, "ended", ended("s1"), true)
	expect(f, "the other", ended("s2"), false)
	f.advance(2 * time.Hour)
	if err := f.Forget(ctx, 0); err != nil {
		f.Fatal(err)
	}
	expect(f, "after it would have expired", ended("s1"), false)
}
