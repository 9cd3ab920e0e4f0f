package storetest

import (
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// testFastClock has a phone whose clock is ahead by more and more, and a desktop
// whose clock is right. The later act wins.
func testFastClock(f *fixture) {
	const year = 365 * 24 * 3600 * 1000
	for _, ahead := range []int64{1, 4 * 60 * 1000, year, 4000 * year} { // milliseconds
		post := f.newPost()
		like := f.op(engagement.LikePost, "bob", post)
		like.Stamp = f.stamp(ahead, "phone")
		f.must(like)
		f.advance(time.Second)
		unlike := f.op(engagement.UnlikePost, "bob", post)
		unlike.Stamp.Client = "desk"
		f.must(unlike)
		expect(f, "liked after the desk", f.truth(post, "bob").Liked, false)

		f.advance(time.Second)
		expect(f, "the phone's like, sent again", f.must(like), engagement.Applied{Replayed: true, Version: 2})
		expect(f, "liked after the repetition", f.truth(post, "bob").Liked, false)
		other := like
		other.Stamp = f.stamp(0, "phone")
		f.refused(other, engagement.KeyReused)

		like.Key, like.Stamp = unlike.Key+"-again", f.stamp(ahead, "phone")
		f.must(like)
		expect(f, "liked after the phone", f.truth(post, "bob").Liked, true)
	}
}

// testStampsKept finds the stored stamps of acts from the future, by sending
// operations with older stamps.
func testStampsKept(f *fixture) {
	post, comment := f.newPost(), engagement.NewID()
	ahead := func(op engagement.Operation) engagement.Operation {
		op.Stamp = f.stamp(time.Hour.Milliseconds(), "phone")
		op.Stamp.At += 7 // a counter, which is dropped as well
		return op
	}
	winner := func(op engagement.Operation) engagement.Stamp {
		f.Helper()
		op.Stamp = f.stamp(-time.Hour.Milliseconds(), "phone")
		return f.refused(op, engagement.Conflict).Winner
	}
	f.must(ahead(f.op(engagement.LikePost, "bob", post)))
	expect(f, "like", winner(f.op(engagement.UnlikePost, "bob", post)), f.stamp(0, "phone"))
	f.advance(time.Second)
	expect(f, "already", f.must(ahead(f.op(engagement.LikePost, "bob", post))).Already, true)
	expect(f, "like that was there", winner(f.op(engagement.UnlikePost, "bob", post)), f.stamp(0, "phone"))

	for _, kind := range []engagement.Kind{engagement.CreateComment, engagement.EditComment, engagement.EditComment} {
		f.advance(time.Second)
		f.must(ahead(f.commentOp(kind, "bob", post, comment, string(kind)))) // the last finds its effect there already
		expect(f, string(kind), f.truth(post, "").Comments[0].Stamp, f.stamp(0, "phone"))
		expect(f, "winner", winner(f.commentOp(engagement.DeleteComment, "bob", post, comment, "")), f.stamp(0, "phone"))
	}
	early := f.stamp(0, "phone")
	f.advance(time.Second)
	late := f.commentOp(engagement.EditComment, "bob", post, comment, "of the past")
	late.Stamp = early
	f.must(late)
	expect(f, "a stamp of the past", f.truth(post, "").Comments[0].Stamp, early)
}

// testClockSetBack changes a post with each kind of change, an hour before it was
// made. No change has a stamp after its ChangedAt.
func testClockSetBack(f *fixture) {
	post, comment := f.newPost(), engagement.NewID()
	last := f.now()
	f.advance(-time.Hour)
	change := func(op engagement.Operation, at wire.Stamp) {
		f.Helper()
		op.Stamp.At = at
		before := f.truth(post, "bob").Post
		f.must(op)
		t := f.truth(post, "bob")
		expect(f, string(op.Kind)+": version", t.Post.Version, before.Version+1)
		expect(f, string(op.Kind)+": changed at", t.Post.ChangedAt, last.UnixMilli())
		for _, c := range t.Comments {
			expect(f, "comment is after its post", c.Stamp.At.Milliseconds() > t.Post.ChangedAt, false)
		}
	}
	at := func(d time.Duration, counter uint16) wire.Stamp {
		return wire.NewStamp(last.Add(d).UnixMilli(), counter)
	}
	change(f.op(engagement.LikePost, "bob", post), at(-time.Hour, 0))
	change(f.op(engagement.UnlikePost, "bob", post), at(0, 1)) // has seen the post
	change(f.op(engagement.LikePost, "bob", post), at(0, 2))
	change(f.commentOp(engagement.CreateComment, "bob", post, comment, "one"), at(time.Minute, 0))
	change(f.commentOp(engagement.EditComment, "bob", post, comment, "two"), at(time.Hour, 0))
	change(f.commentOp(engagement.DeleteComment, "bob", post, comment, ""), at(time.Hour, 0))
	// While the time of the post stands still, the later act wins, from any device.
	seen := at(0, 0xffff) // the stamp that a device is told with the post
	for _, device := range []string{"b", "a", "b", "a"} {
		seen++
		for _, kind := range []engagement.Kind{engagement.UnlikePost, engagement.LikePost} {
			op := f.op(kind, "bob", post)
			op.Stamp.Client = device
			change(op, seen)
		}
	}
	expect(f, "the clock goes on", f.now().Before(last), true)
	f.advance(2 * time.Hour)
	last = f.now()
	change(f.op(engagement.UnlikePost, "bob", post), at(time.Minute, 0))
	f.advance(-2 * time.Hour)
	change(f.op(engagement.DeletePost, "ada", post), at(0, 0))
}
