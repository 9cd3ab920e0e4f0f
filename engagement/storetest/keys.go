package storetest

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func testKeys(f *fixture) {
	post := f.newPost()
	like := f.op(engagement.LikePost, "bob", post)
	first := f.must(like)
	before := f.fingerprint(post)
	expect(f, "again", f.must(like), engagement.Applied{Replayed: true, Version: first.Version})
	expect(f, "seen", f.fingerprint(post), before)

	already := f.op(engagement.LikePost, "bob", post)
	f.must(already)
	expect(f, "already again", f.must(already), engagement.Applied{Already: true, Replayed: true, Version: first.Version})

	for what, other := range map[string]func(*engagement.Operation){
		"kind":   func(o *engagement.Operation) { o.Kind = engagement.UnlikePost },
		"post":   func(o *engagement.Operation) { o.Post = f.newPost() },
		"moment": func(o *engagement.Operation) { o.Stamp.At++ },
		"client": func(o *engagement.Operation) { o.Stamp.Client = "desk" },
	} {
		op := like
		other(&op)
		f.Log("another", what)
		f.refused(op, engagement.KeyReused)
	}
	elsewhere := like
	elsewhere.User = "ada"
	expect(f, "the same key of another user", f.must(elsewhere).Replayed, false)

	f.must(f.op(engagement.UnlikePost, "bob", post))
	f.must(like) // late duplicate of the first attempt
	expect(f, "a late duplicate changes nothing", f.truth(post, "bob").Liked, false)

	f.must(f.op(engagement.DeletePost, "ada", post))
	expect(f, "replayed when the post is gone", f.must(like).Replayed, true)
	f.audit()
}

func testKeysAfterRefusal(f *fixture) {
	post := f.newPost()
	f.advance(time.Second)
	f.must(f.op(engagement.LikePost, "bob", post))
	unlike := f.op(engagement.UnlikePost, "bob", post)
	unlike.Stamp = f.stamp(-500, "phone")
	f.refused(unlike, engagement.Conflict)
	f.refused(unlike, engagement.Conflict)
	unlike.Stamp = f.stamp(0, "phone")
	expect(f, "same key, later moment", f.must(unlike), engagement.Applied{Version: 3})
}

func testKeysAtOnce(f *fixture) {
	post := f.newPost()
	op := f.commentOp(engagement.CreateComment, "bob", post, engagement.NewID(), "once")
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh := 0
	for range 16 {
		wg.Go(func() {
			applied, err := f.Apply(context.Background(), op)
			if err != nil {
				f.Errorf("apply: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !applied.Replayed {
				fresh++
			}
		})
	}
	wg.Wait()
	expect(f, "applied", fresh, 1)
	expect(f, "comments", f.truth(post, "").Post.Comments, 1)
}

func testBounds(f *fixture) {
	post := f.newPost()
	for what, spoil := range map[string]func(*engagement.Operation){
		"no key":        func(o *engagement.Operation) { o.Key = "" },
		"no user":       func(o *engagement.Operation) { o.User = "" },
		"no post":       func(o *engagement.Operation) { o.Post = "" },
		"no comment":    func(o *engagement.Operation) { o.Comment = "" },
		"no stamp":      func(o *engagement.Operation) { o.Stamp.At = 0 },
		"no client":     func(o *engagement.Operation) { o.Stamp.Client = "" },
		"no text":       func(o *engagement.Operation) { o.Text = "" },
		"too much text": func(o *engagement.Operation) { o.Text = strings.Repeat("x", wire.MaxCommentText+1) },
		"no kind":       func(o *engagement.Operation) { o.Kind = "toggle" },
	} {
		op := f.commentOp(engagement.CreateComment, "bob", post, engagement.NewID(), "fine")
		spoil(&op)
		f.Log(what)
		f.refused(op, engagement.Invalid)
	}
}

func testContains(f *fixture) {
	post, other := f.newPost(), f.newPost()
	like := f.op(engagement.LikePost, "bob", post)
	f.must(like)
	expect(f, "bob", strings.Join(f.truth(post, "bob").Contains, " "), like.Key)
	expect(f, "ada does not see bob's", strings.Contains(strings.Join(f.truth(post, "ada").Contains, " "), like.Key), false)
	expect(f, "nobody's", len(f.truth(post, "").Contains), 0)
	expect(f, "of another post", len(f.truth(other, "bob").Contains), 0)

	var last string
	for range wire.MaxContains {
		op := f.op(engagement.LikePost, "bob", post)
		f.must(op)
		last = op.Key
	}
	keys := f.truth(post, "bob").Contains
	expect(f, "bounded", len(keys), wire.MaxContains)
	expect(f, "newest last", keys[len(keys)-1], last)
}
