package list_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

type Post struct {
	Author string
	Likes  int
}

// likes is an operation that gives a post more likes.
func likes(posts *optimist.Store[Post]) *optimist.Action[Post, int] {
	return optimist.Register(posts, optimist.Mutation[Post, int]{
		Type:  "likes",
		Slot:  func(int) string { return "all" },
		Apply: func(p Post, n int) (Post, error) { p.Likes = n; return p, nil },
		Send: func(context.Context, optimist.Call[int]) (optimist.Truth[Post], error) {
			return optimist.Truth[Post]{}, nil
		},
	})
}

// A list of one author's posts, the most liked first. It is right when Execute returns.
func Example() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[Post](m, "post")
	posts.Receive("1", optimist.TruthOf(Post{"ann", 3}, 1))
	posts.Receive("2", optimist.TruthOf(Post{"bob", 9}, 1))
	posts.Receive("3", optimist.TruthOf(Post{"ann", 5}, 1))

	best, _ := list.New(posts, list.Query[Post]{
		Where: func(_ string, p Post) bool { return p.Author == "ann" },
		Order: []list.Key[Post]{list.Desc(func(_ string, p Post) int { return p.Likes })},
	})
	likes(posts).Execute(ctx, "1", 8)
	for i, row := range best.Rows().All() {
		fmt.Println(i, row.ID, row.View.Value.Likes, "pending:", row.View.Pending)
	}
	best.Close()
	m.Close(ctx)
	// Output:
	// 0 1 8 pending: 1
	// 1 3 5 pending: 0
}

// A watcher gets the rows once, and then what changes.
func ExampleList_Watch() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[Post](m, "post")
	for i, id := range []string{"1", "2", "3"} {
		posts.Receive(id, optimist.TruthOf(Post{"ann", 3 - i}, 1))
	}
	top, _ := list.New(posts, list.Query[Post]{
		Order: []list.Key[Post]{list.Desc(func(_ string, p Post) int { return p.Likes })},
		Limit: 2,
	})
	h, like := (*optimist.Handle)(nil), likes(posts)
	var rows []list.Row[Post]
	for splice := range top.Watch(ctx) {
		rows = splice.Apply(rows)
		fmt.Print("reset: ", splice.Reset)
		for _, e := range splice.Edits {
			fmt.Printf(", %v at %d", e.Kind, e.At)
		}
		fmt.Printf(": %s %s of %d\n", rows[0].ID, rows[1].ID, splice.Total)
		if h != nil {
			break
		}
		h, _ = like.Execute(ctx, "3", 10)
	}
	top.Close()
	m.Close(ctx)
	// Output:
	// reset: true: 1 2 of 3
	// reset: false, remove at 1, insert at 0: 3 1 of 3
}

// Sums are kept beside the rows, over all of them, and count pending work.
func ExampleRows_Sum() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[Post](m, "post")
	posts.Receive("1", optimist.TruthOf(Post{"ann", 3}, 1))
	posts.Receive("2", optimist.TruthOf(Post{"bob", 9}, 1))
	all, _ := list.New(posts, list.Query[Post]{
		Sums:  []func(string, Post) int64{func(_ string, p Post) int64 { return int64(p.Likes) }},
		Limit: 1,
	})
	likes(posts).Execute(ctx, "2", 10)
	rows := all.Rows()
	fmt.Println(rows.Len(), "of", rows.Total(), "posts,", rows.Sum(0), "likes")
	all.Close()
	m.Close(ctx)
	// Output: 1 of 2 posts, 13 likes
}
