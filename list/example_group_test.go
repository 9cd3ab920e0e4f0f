package list_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// A card moves from one column to another. Both lists change in one step, and are read at one
// moment.
func Example_group() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	columns := optimist.NewStore[string](m, "card") // the column of each card
	swap := optimist.RegisterGroup(m, optimist.Group[[2]string]{
		Type: "swap",
		Parts: func(cards [2]string) []optimist.Part {
			to := func(column string) func(string) (string, error) {
				return func(string) (string, error) { return column, nil }
			}
			return []optimist.Part{columns.Part(cards[0], to("done")), columns.Part(cards[1], to("open"))}
		},
		Send: func(context.Context, optimist.Call[[2]string]) ([]optimist.EntityTruth, error) { return nil, nil },
	})
	columns.Receive("a", optimist.TruthOf("open", 1))
	columns.Receive("b", optimist.TruthOf("done", 1))
	in := func(column string) *list.List[string] {
		l, _ := list.New(columns, list.Query[string]{Where: func(_, of string) bool { return of == column }})
		return l
	}
	open, done := in("open"), in("done")
	swap.Execute(ctx, [2]string{"a", "b"})

	var left, right list.Rows[string]
	m.Views(open.Into(&left), done.Into(&right))
	fmt.Println("open:", left.At(0).ID, "done:", right.At(0).ID)
	fmt.Println("one step:", left.Step() == right.Step())
	open.Close()
	done.Close()
	m.Close(ctx)
	// Output:
	// open: b done: a
	// one step: true
}
