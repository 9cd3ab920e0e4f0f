package storetest

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/engagement"
)

func testForget(f *fixture) {
	ctx := context.Background()
	post := f.newPost()
	like := f.op(engagement.LikePost, "bob", post)
	f.must(like)
	f.advance(time.Hour)
	later := f.op(engagement.UnlikePost, "bob", post)
	f.must(later)
	if err := f.Forget(ctx, time.Minute); err != nil {
		f.Fatal(err)
	}
	expect(f, "the recent key is known", f.must(later).Replayed, true)
	_, err := f.Apply(ctx, like)
	expect(f, "the old key is not, and its stamp still loses", engagement.ErrorCode(err), engagement.Conflict)

	f.advance(time.Hour)
	position := f.position()
	if err := f.Forget(ctx, 0); err != nil {
		f.Fatal(err)
	}
	expect(f, "contains", len(f.truth(post, "bob").Contains), 0)
	f.must(f.op(engagement.LikePost, "bob", post))
	expect(f, "positions go on", f.position().Compare(position), 1)
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
