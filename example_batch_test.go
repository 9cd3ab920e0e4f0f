package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A batch executes several operations in one step: all show together, or none. They
// are sent and settled one by one.
func Example_batch() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	mails := optimist.NewStore[string](m, "mail")
	move := optimist.Register(mails, optimist.Mutation[string, string]{
		Type:  "move",
		Slot:  func(string) string { return "folder" },
		Apply: func(_, folder string) (string, error) { return folder, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			return optimist.TruthOf(c.Args, c.BaseVersion+1), nil
		},
	})
	for _, id := range []string{"1", "2", "3"} {
		mails.Receive(id, optimist.TruthOf("inbox", 1))
	}

	handles, err := m.Batch(ctx, move.Plan("1", "archive"), move.Plan("2", "archive"), move.Plan("3", "trash"))
	fmt.Println(len(handles), err, mails.View("1").Value, mails.View("2").Value, mails.View("3").Value)

	// One that cannot be applied keeps all from being applied.
	mails.Receive("3", optimist.Gone[string](2))
	_, err = m.Batch(ctx, move.Plan("1", "inbox"), move.Plan("3", "inbox"))
	fmt.Println(err != nil, mails.View("1").Value)

	m.Flush(ctx)
	for _, h := range handles {
		r, _ := h.Result()
		fmt.Println(r.Entity, r.Outcome)
	}
	m.Close(ctx)
	// Output:
	// 3 <nil> archive archive trash
	// true archive
	// mail:1 confirmed
	// mail:2 confirmed
	// mail:3 rolled back
}
