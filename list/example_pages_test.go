package list_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// An infinite scroll: the list has the pages that were loaded, and the user's own work.
func Example_pages() {
	type Post struct {
		Text string
		Time int
	}
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[Post](m, "post")
	write := optimist.Register(posts, optimist.Mutation[Post, Post]{
		Type: "write", Kind: optimist.Create,
		Apply: func(_, p Post) (Post, error) { return p, nil },
		Send: func(_ context.Context, c optimist.Call[Post]) (optimist.Truth[Post], error) {
			return optimist.TruthOf(c.Args, 1), nil
		},
	})
	fetch := func(_ context.Context, after list.After[Post], limit int) (list.Page[Post], error) {
		var page list.Page[Post] // GET /posts?before=<time>&limit=<limit>
		from := 5
		if after.ID != "" {
			from = after.Value.Time - 1
		}
		for t := from; t > 0 && len(page.Rows) < limit; t-- {
			post := Post{fmt.Sprint("post ", t), t}
			page.Rows = append(page.Rows, list.Told[Post]{ID: fmt.Sprint(t), Truth: optimist.TruthOf(post, 1)})
		}
		page.End = len(page.Rows) < limit
		return page, nil
	}
	feed, _ := list.New(posts, list.Query[Post]{
		Order: []list.Key[Post]{list.Desc(func(_ string, p Post) int { return p.Time })},
		Pages: fetch, PageSize: 2,
	})
	for feed.Rows().State().More { // each time the person comes near the end
		if err := feed.More(ctx); err != nil {
			fmt.Println(err) // State().Failed has it as well: offer to try again
			break
		}
		fmt.Println(feed.Rows().Len(), "rows, more:", feed.Rows().State().More)
	}
	m.SetOnline(false) // in a tunnel
	write.Execute(ctx, "6", Post{"mine", 6})
	first := feed.Rows().At(0)
	fmt.Println(first.View.Value.Text, "pending:", first.View.Pending)

	m.SetOnline(true)
	feed.Refetch(ctx) // pull to refresh
	feed.Close()
	m.Close(ctx)
	// Output:
	// 2 rows, more: true
	// 4 rows, more: true
	// 5 rows, more: false
	// mine pending: 1
}
