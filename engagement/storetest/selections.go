package storetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// testSelections compares all pages of every selection with a sort of all posts.
func testSelections(f *fixture) {
	people := []string{"ada", "bob", "eve"}
	for i := range 14 {
		if i%3 == 0 {
			f.advance(time.Millisecond) // some posts share a millisecond
		}
		op := f.op(engagement.CreatePost, people[i%2], engagement.NewID())
		op.Text = "hello"
		f.must(op)
		for j, who := range people {
			if i%4 > j { // some posts share a number of likes
				f.must(f.op(engagement.LikePost, who, op.Post))
			}
			if (i+j)%3 == 0 {
				f.must(f.op(engagement.SavePost, who, op.Post))
			}
			if (i+j)%6 == 0 {
				f.advance(time.Millisecond)
				f.must(f.op(engagement.UnsavePost, who, op.Post))
			}
		}
		if i%7 == 6 {
			f.must(f.op(engagement.DeletePost, people[i%2], op.Post))
		}
	}
	all, err := f.Posts(context.Background(), "eve", wire.Selection{}, wire.Cursor{}, wire.MaxPage)
	if err != nil {
		f.Fatal(err)
	}
	for _, author := range []string{"", "ada", "bob", "nobody"} {
		for _, saved := range []bool{false, true} {
			for _, sort := range []wire.Sort{wire.Newest, wire.MostLiked} {
				of := wire.Selection{Author: author, Saved: saved, Sort: sort}
				want := selected(all.Truths, of)
				for _, limit := range []int{1, 2, 5, wire.MaxPage} {
					expect(f, fmt.Sprintf("posts of %+v by %d", of, limit), fmt.Sprint(f.pages(of, limit)), fmt.Sprint(want))
				}
			}
		}
	}
}

// selected are the ids of the posts of a selection, in its order.
func selected(all []engagement.Truth, of wire.Selection) (ids []string) {
	all = slices.DeleteFunc(slices.Clone(all), func(t engagement.Truth) bool {
		return of.Author != "" && t.Post.Author != of.Author || of.Saved && !t.Saved
	})
	slices.SortFunc(all, func(a, b engagement.Truth) int {
		if of.Sort == wire.MostLiked {
			return cmp.Or(cmp.Compare(b.Post.Likes, a.Post.Likes), cmp.Compare(b.Post.ID, a.Post.ID))
		}
		return cmp.Or(cmp.Compare(b.Post.CreatedAt, a.Post.CreatedAt), cmp.Compare(b.Post.ID, a.Post.ID))
	})
	for _, t := range all {
		ids = append(ids, t.Post.ID)
	}
	return ids
}

// pages reads all pages of a selection as eve, and checks its total.
func (f *fixture) pages(of wire.Selection, limit int) (ids []string) {
	f.Helper()
	total := -1
	for cursor := (wire.Cursor{}); ; {
		page, err := f.Posts(context.Background(), "eve", of, cursor, limit)
		if err != nil {
			f.Fatal(err)
		}
		expect(f, "a total is told", page.Total != nil, cursor.IsZero())
		if page.Total != nil {
			total = *page.Total
		}
		for _, t := range page.Truths {
			ids = append(ids, t.Post.ID)
			cursor = of.Sort.After(t.Wire().State.Post)
		}
		if !page.More {
			expect(f, "the total", total, len(ids))
			return ids
		}
	}
}

// testFarCursors reads behind places that no post has.
func testFarCursors(f *fixture) {
	f.newPost()
	for _, sort := range []wire.Sort{wire.Newest, wire.MostLiked} {
		of := wire.Selection{Sort: sort}
		page, err := f.Posts(context.Background(), "", of, wire.Cursor{Sort: sort, Order: math.MaxInt64, ID: engagement.NewID()}, 5)
		if err != nil {
			f.Fatal(err)
		}
		expect(f, "posts behind the greatest place", len(page.Truths), 1)
		page, err = f.Posts(context.Background(), "", of, wire.Cursor{Sort: sort, ID: "0"}, 5)
		if err != nil {
			f.Fatal(err)
		}
		expect(f, "posts behind the least place", len(page.Truths), 0)
	}
}

// testManyPostsHaveNoTotal: a page counts no more posts than it may tell.
func testManyPostsHaveNoTotal(f *fixture) {
	for range wire.MaxTotal {
		f.newPost()
	}
	look := func() *int {
		page, err := f.Posts(context.Background(), "", wire.Selection{}, wire.Cursor{}, 1)
		if err != nil {
			f.Fatal(err)
		}
		return page.Total
	}
	if n := look(); n == nil || *n != wire.MaxTotal {
		f.Fatalf("total: %v", n)
	}
	f.newPost()
	if n := look(); n != nil {
		f.Fatalf("total: %d", *n)
	}
}
