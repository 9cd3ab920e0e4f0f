package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

func testCommentLife(f *fixture) {
	post, id := f.newPost(), engagement.NewID()
	began := f.now().UnixMilli()
	act := func(kind engagement.Kind, text string, milliseconds int64) engagement.Operation {
		op := f.commentOp(kind, "bob", post, id, text)
		op.Stamp = engagement.Stamp{At: wire.NewStamp(began+milliseconds, 0), Client: "phone"}
		return op
	}
	f.advance(time.Second)
	made := f.now().UnixMilli()
	f.must(act(engagement.CreateComment, "one", 10))
	expect(f, "created twice", f.must(act(engagement.CreateComment, "one", 11)).Already, true)
	f.advance(time.Second)
	f.must(act(engagement.EditComment, "two", 20))
	edited := f.now().UnixMilli()
	f.refused(act(engagement.EditComment, "old", -500), engagement.Conflict)
	expect(f, "edited to the same", f.must(act(engagement.EditComment, "two", 40)).Already, true)
	f.refused(act(engagement.EditComment, "three", 30), engagement.Conflict)
	f.refused(act(engagement.DeleteComment, "", 30), engagement.Conflict)
	t := f.truth(post, "ada")
	expect(f, "count", t.Post.Comments, 1)
	expect(f, "revised", t.Post.Revised, 3)
	expect(f, "shown", len(t.Comments), 1)
	expect(f, "comment", t.Comments[0], engagement.Comment{ID: id, PostID: post, Author: "bob", Text: "two", Number: 1,
		CreatedAt: made, EditedAt: edited, Stamp: act("", "", 40).Stamp})

	f.must(act(engagement.DeleteComment, "", 50))
	expect(f, "deleted twice", f.must(act(engagement.DeleteComment, "", 60)).Already, true)
	f.refused(act(engagement.EditComment, "four", 70), engagement.Gone)
	f.refused(act(engagement.CreateComment, "one", 70), engagement.Gone)
	t = f.truth(post, "ada")
	expect(f, "count", t.Post.Comments, 0)
	expect(f, "shown", len(t.Comments), 0)
	expect(f, "version", t.Post.Version, 4)
	expect(f, "revised", t.Post.Revised, 4)
	f.audit()
}

func testCommentRefusals(f *fixture) {
	post, other, id := f.newPost(), f.newPost(), engagement.NewID()
	f.must(f.commentOp(engagement.CreateComment, "bob", post, id, "mine"))
	f.refused(f.commentOp(engagement.CreateComment, "bob", post, id, "other text"), engagement.Conflict)
	f.refused(f.commentOp(engagement.CreateComment, "ada", post, id, "mine"), engagement.Conflict)
	f.refused(f.commentOp(engagement.EditComment, "ada", post, id, "hers"), engagement.Forbidden)
	f.refused(f.commentOp(engagement.DeleteComment, "ada", post, id, ""), engagement.Forbidden)
	f.refused(f.commentOp(engagement.EditComment, "bob", post, engagement.NewID(), "x"), engagement.NotFound)
	f.refused(f.commentOp(engagement.DeleteComment, "bob", post, engagement.NewID(), ""), engagement.NotFound)
	f.refused(f.commentOp(engagement.EditComment, "bob", other, id, "x"), engagement.NotFound)
	f.refused(f.commentOp(engagement.CreateComment, "bob", engagement.NewID(), id, "x"), engagement.NotFound)
	f.audit()
}

func testCommentPages(f *fixture) {
	post := f.newPost()
	const made = wire.MaxComments + 7
	var want []string
	for i := range made {
		id := engagement.NewID()
		f.must(f.commentOp(engagement.CreateComment, "bob", post, id, fmt.Sprintf("number %d", i)))
		if i%10 == 3 {
			f.must(f.commentOp(engagement.DeleteComment, "bob", post, id, ""))
		} else {
			want = append(want, id)
		}
	}
	t := f.truth(post, "")
	expect(f, "count", t.Post.Comments, len(want))
	shown := min(len(want), wire.MaxComments)
	expect(f, "shown", len(t.Comments), shown)
	for i, c := range t.Comments {
		expect(f, "shown in order", c.ID, want[len(want)-shown+i])
	}

	left := want
	var cursor wire.Cursor
	for more := true; more; {
		page, err := f.Comments(context.Background(), post, cursor, 9)
		if err != nil {
			f.Fatal(err)
		}
		list := page.Comments
		more = page.More
		expect(f, "version", page.Version, t.Post.Version)
		expect(f, "position", page.Position, t.Position)
		part := left[max(0, len(left)-9):]
		left = left[:len(left)-len(part)]
		expect(f, "page", len(list), len(part))
		for i, c := range list {
			expect(f, "order", c.ID, part[i])
		}
		expect(f, "more", more, len(left) > 0)
		cursor = wire.Cursor{Order: list[0].Number, ID: list[0].ID}
	}
	f.audit()
}
