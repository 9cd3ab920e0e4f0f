package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// testMany lets many users act at once and compares the result with the records
// of their acts.
func testMany(f *fixture) {
	const users, acts = 12, 25
	posts := []string{f.newPost(), f.newPost(), f.newPost()}
	var wg sync.WaitGroup
	for u := range users {
		wg.Go(func() {
			user := fmt.Sprintf("user%d", u)
			for i := range acts {
				post := posts[(u+i)%len(posts)]
				for _, kind := range []engagement.Kind{engagement.LikePost, engagement.UnlikePost, engagement.LikePost} {
					op := f.op(kind, user, post)
					if _, err := f.Apply(context.Background(), op); err != nil {
						f.Errorf("%s: %v", kind, err)
					}
				}
				op := f.commentOp(engagement.CreateComment, user, post, engagement.NewID(), "hi")
				if _, err := f.Apply(context.Background(), op); err != nil {
					f.Errorf("comment: %v", err)
				}
				if _, err := f.Store.Truth(context.Background(), post, user); err != nil {
					f.Errorf("truth: %v", err)
				}
			}
		})
	}
	wg.Wait()
	comments := 0
	for _, post := range posts {
		t := f.truth(post, "user0")
		expect(f, "likes", t.Post.Likes, users)
		expect(f, "liked", t.Liked, true)
		comments += t.Post.Comments
	}
	expect(f, "comments", comments, users*acts)
	f.audit()
}

func testEndedContext(f *fixture) {
	post := f.newPost()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := f.Apply(ctx, f.op(engagement.LikePost, "bob", post))
	expect(f, "apply", errors.Is(err, context.Canceled), true)
	_, err = f.Store.Truth(ctx, post, "")
	expect(f, "truth", errors.Is(err, context.Canceled), true)
	expect(f, "code", engagement.ErrorCode(err), engagement.Unavailable)
}

func testClosed(f *fixture) {
	post := f.newPost()
	for range 2 {
		if err := f.Store.Close(); err != nil {
			f.Fatal(err)
		}
	}
	ctx := context.Background()
	_, err := f.Apply(ctx, f.op(engagement.LikePost, "bob", post))
	expect(f, "apply", engagement.ErrorCode(err), engagement.Unavailable)
	_, err = f.Store.Truth(ctx, post, "")
	expect(f, "truth", engagement.ErrorCode(err), engagement.Unavailable)
	_, err = f.Posts(ctx, "", wire.Selection{}, wire.Cursor{}, 1)
	expect(f, "posts", engagement.ErrorCode(err), engagement.Unavailable)
	_, err = f.Secret(ctx, "x", []byte("y"))
	expect(f, "secret", engagement.ErrorCode(err), engagement.Unavailable)
	expect(f, "ready", engagement.ErrorCode(f.Ready(ctx)), engagement.Unavailable)
}
