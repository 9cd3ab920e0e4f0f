package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func testPostLife(f *fixture) {
	create := f.op(engagement.CreatePost, "ada", engagement.NewID())
	create.Text = "first"
	expect(f, "created", f.must(create), engagement.Applied{Version: 1})
	t := f.truth(create.Post, "")
	expect(f, "post", t.Post, engagement.Post{ID: create.Post, Author: "ada", Text: "first",
		CreatedAt: f.now().UnixMilli(), Version: 1, ChangedAt: f.now().UnixMilli()})

	again := create
	again.Key = "another-key"
	expect(f, "the same under another key", f.must(again).Already, true)
	again.Key, again.Text = "third-key", "second"
	f.refused(again, engagement.Conflict)
	again.Key, again.Text, again.User = "fourth-key", "first", "bob"
	f.refused(again, engagement.Conflict)

	comment := engagement.NewID()
	f.must(f.op(engagement.LikePost, "bob", create.Post))
	f.must(f.commentOp(engagement.CreateComment, "bob", create.Post, comment, "yes"))
	f.refused(f.op(engagement.DeletePost, "bob", create.Post), engagement.Forbidden)
	f.advance(time.Second)
	expect(f, "deleted", f.must(f.op(engagement.DeletePost, "ada", create.Post)), engagement.Applied{Version: 4})
	t = f.truth(create.Post, "bob")
	expect(f, "the deleted post", t.Post, engagement.Post{ID: create.Post, Author: "ada", CreatedAt: create.Stamp.At.Milliseconds(),
		CommentsMade: 1, Version: 4, ChangedAt: f.now().UnixMilli(), Deleted: true})
	expect(f, "comments left", len(t.Comments), 0)
	expect(f, "liked", t.Liked, false)
	expect(f, "deleted again", f.must(f.op(engagement.DeletePost, "ada", create.Post)).Already, true)
	f.refused(f.op(engagement.DeletePost, "bob", create.Post), engagement.Forbidden)

	f.refused(f.op(engagement.LikePost, "bob", create.Post), engagement.Gone)
	f.refused(f.op(engagement.UnsavePost, "bob", create.Post), engagement.Gone)
	f.refused(f.commentOp(engagement.EditComment, "bob", create.Post, comment, "no"), engagement.Gone)
	f.refused(f.commentOp(engagement.CreateComment, "bob", create.Post, engagement.NewID(), "no"), engagement.Gone)
	again = create
	again.Key = "fifth-key"
	f.refused(again, engagement.Gone)
	_, err := f.Comments(context.Background(), create.Post, wire.Cursor{}, 10)
	expect(f, "its comments", engagement.ErrorCode(err), engagement.Gone)

	nowhere := engagement.NewID()
	f.refused(f.op(engagement.LikePost, "bob", nowhere), engagement.NotFound)
	f.refused(f.op(engagement.DeletePost, "bob", nowhere), engagement.NotFound)
	_, err = f.Store.Truth(context.Background(), nowhere, "")
	expect(f, "a post that never was", engagement.ErrorCode(err), engagement.NotFound)
	_, err = f.Comments(context.Background(), nowhere, wire.Cursor{}, 10)
	expect(f, "comments of a post that never was", engagement.ErrorCode(err), engagement.NotFound)
	f.audit()
}

func testPostPages(f *fixture) {
	var want []string
	for i := range 7 {
		if i%3 == 0 {
			f.advance(time.Millisecond) // some posts share a millisecond
		}
		want = append(want, f.newPost())
	}
	gone := f.newPost()
	f.must(f.op(engagement.DeletePost, "ada", gone))
	f.must(f.op(engagement.LikePost, "bob", want[0]))
	slices.Reverse(want)

	var got []string
	var cursor wire.Cursor
	for pages := 1; ; pages++ {
		page, err := f.Posts(context.Background(), "bob", wire.Selection{}, cursor, 3)
		if err != nil {
			f.Fatal(err)
		}
		expect(f, "position", page.After, f.position().String())
		for _, t := range page.Truths {
			got = append(got, t.Post.ID)
			expect(f, "position of a truth", t.Position, page.After)
			expect(f, "liked", t.Liked, t.Post.ID == want[len(want)-1])
			cursor = wire.Cursor{Order: t.Post.CreatedAt, ID: t.Post.ID}
		}
		if !page.More {
			expect(f, "pages", pages, 3)
			break
		}
		if pages == 1 {
			f.newPost() // a new one must not move the pages after it
		}
	}
	expect(f, "posts", fmt.Sprint(got), fmt.Sprint(want))
}

// testLargePostPages reads posts of which two and a half fill a page.
func testLargePostPages(f *fixture) {
	const posts = 6
	text := strings.Repeat("\U0001F600", wire.MaxCommentText)
	want := make(map[string]bool)
	for range posts {
		id := f.newPost()
		want[id] = true
		for range wire.MaxComments {
			f.must(f.commentOp(engagement.CreateComment, "bob", id, engagement.NewID(), text))
		}
		f.advance(time.Millisecond)
	}
	var cursor wire.Cursor
	for range posts / 2 {
		page, err := f.Posts(context.Background(), "bob", wire.Selection{}, cursor, wire.MaxPage)
		if err != nil {
			f.Fatal(err)
		}
		expect(f, "posts of the page", len(page.Truths), 2)
		for _, t := range page.Truths {
			delete(want, t.Post.ID)
			cursor = wire.Cursor{Order: t.Post.CreatedAt, ID: t.Post.ID}
		}
		expect(f, "more", page.More, len(want) > 0)
	}
	page, err := f.Posts(context.Background(), "bob", wire.Selection{}, wire.Cursor{}, 1)
	if err != nil {
		f.Fatal(err)
	}
	expect(f, "posts when one is asked for", len(page.Truths), 1)
}
