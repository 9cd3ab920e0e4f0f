package list_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// A window has the first rows of a list. Total counts those beyond it as well, and a long list
// is read from any row on.
func Example_window() {
	m, _ := optimist.New(optimist.Options{})
	numbers := optimist.NewStore[int](m, "number")
	for i := range 1000 {
		numbers.Receive(fmt.Sprintf("%03d", i), optimist.TruthOf(i*i, 1))
	}
	top, _ := list.New(numbers, list.Query[int]{
		Order: []list.Key[int]{list.Desc(func(_ string, n int) int { return n })},
		Limit: 3,
	})
	rows := top.Rows()
	fmt.Println(rows.Len(), "of", rows.Total(), "rows, the first is", rows.At(0).View.Value)

	all, _ := list.New(numbers, list.Query[int]{})
	for i, row := range all.Rows().From(500) { // the part that a screen shows
		if i == 502 {
			break
		}
		fmt.Println(i, row.ID, row.View.Value)
	}
	top.Close()
	all.Close()
	m.Close(context.Background())
	// Output:
	// 3 of 1000 rows, the first is 998001
	// 500 500 250000
	// 501 501 251001
}
