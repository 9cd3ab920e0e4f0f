package storetest

import (
	"time"

	"github.com/optimist-go/optimist/engagement"
)

func testMarks(f *fixture) {
	post := f.newPost()
	for _, kind := range []struct {
		on, off engagement.Kind
		count   func(engagement.Truth) (int, bool)
	}{
		{engagement.LikePost, engagement.UnlikePost, func(t engagement.Truth) (int, bool) { return t.Post.Likes, t.Liked }},
		{engagement.SavePost, engagement.UnsavePost, func(t engagement.Truth) (int, bool) { return t.Post.Saves, t.Saved }},
	} {
		f.advance(2 * time.Second)
		version := f.truth(post, "bob").Post.Version
		see := func(what string, count int, mine bool, bumps uint64) {
			f.Helper()
			t := f.truth(post, "bob")
			n, on := kind.count(t)
			expect(f, what+": count", n, count)
			expect(f, what+": mine", on, mine)
			expect(f, what+": version", t.Post.Version, version+bumps)
		}
		at := func(k engagement.Kind, milliseconds int64) engagement.Operation {
			op := f.op(k, "bob", post)
			op.Stamp = f.stamp(milliseconds-1000, "phone")
			return op
		}
		expect(f, "off before on is already so", f.must(at(kind.off, 1)).Already, true)
		see("untouched", 0, false, 0)
		applied := f.must(at(kind.on, 10))
		expect(f, "on is new", applied.Already, false)
		expect(f, "version told", applied.Version, version+1)
		see("on", 1, true, 1)
		expect(f, "on again is already so", f.must(at(kind.on, 20)).Already, true)
		see("on twice", 1, true, 1)
		expect(f, "old on is already so", f.must(at(kind.on, 5)).Already, true)

		e := f.refused(at(kind.off, 15), engagement.Conflict)
		expect(f, "the winner is the latest agreeing act", e.Winner, f.stamp(20-1000, "phone"))
		see("old off", 1, true, 1)

		f.must(at(kind.off, 30))
		see("off", 0, false, 2)
		f.refused(at(kind.on, 25), engagement.Conflict)
		see("a late old on does not come back", 0, false, 2)
		f.must(at(kind.on, 31))
		see("on after off", 1, true, 3)
	}
	f.audit()
}

func testMarkTies(f *fixture) {
	post := f.newPost()
	f.advance(time.Second)
	act := func(kind engagement.Kind, client string) engagement.Operation {
		op := f.op(kind, "bob", post)
		op.Stamp = f.stamp(-5, client)
		return op
	}
	f.must(act(engagement.LikePost, "m"))
	f.refused(act(engagement.UnlikePost, "a"), engagement.Conflict)
	f.must(act(engagement.UnlikePost, "z"))
	f.refused(act(engagement.LikePost, "m"), engagement.Conflict)
	expect(f, "liked", f.truth(post, "bob").Liked, false)
}

func testMarksApart(f *fixture) {
	post, other := f.newPost(), f.newPost()
	f.must(f.op(engagement.LikePost, "ada", post))
	f.must(f.op(engagement.LikePost, "bob", post))
	f.must(f.op(engagement.SavePost, "bob", post))
	f.must(f.op(engagement.UnlikePost, "ada", post))
	for viewer, want := range map[string][2]bool{"ada": {false, false}, "bob": {true, true}, "": {false, false}} {
		t := f.truth(post, viewer)
		expect(f, viewer+" sees likes", t.Post.Likes, 1)
		expect(f, viewer+" sees", [2]bool{t.Liked, t.Saved}, want)
	}
	expect(f, "the other post", f.truth(other, "bob").Post.Version, 1)
	f.audit()
}
