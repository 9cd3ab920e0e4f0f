package list_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// The server tells how many comments there are, loaded or not; the person's own one counts once,
// while it is pending and afterwards.
func Example_total() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	comments := optimist.NewStore[string](m, "comment")
	position := uint64(7) // of the server's feed of changes
	say := optimist.Register(comments, optimist.Mutation[string, string]{
		Type: "say", Kind: optimist.Create,
		Apply: func(_, text string) (string, error) { return text, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			position++
			t := optimist.TruthOf(c.Args, 1)
			t.Position = position
			return t, nil
		},
	})
	fetch := func(_ context.Context, _ list.After[string], limit int) (list.Page[string], error) {
		total := 120
		page := list.Page[string]{Total: &total, Position: position}
		for i := range limit {
			page.Rows = append(page.Rows, list.Told[string]{ID: fmt.Sprint("c", i), Truth: optimist.TruthOf("...", 1)})
		}
		return page, nil
	}
	talk, _ := list.New(comments, list.Query[string]{Pages: fetch, PageSize: 10})
	talk.More(ctx)
	show := func(when string) {
		rows := talk.Rows()
		fmt.Printf("%s: %d of %d\n", when, rows.Len(), rows.State().Total.N)
	}
	show("loaded")
	h, _ := say.Execute(ctx, "a", "hello")
	show("pending")
	h.Wait(ctx)
	show("settled")
	talk.Close()
	m.Close(ctx)
	// Output:
	// loaded: 10 of 120
	// pending: 11 of 121
	// settled: 11 of 121
}
