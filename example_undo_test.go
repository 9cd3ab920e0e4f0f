package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A comment is deleted, and the deletion is undone: before it left, for nothing, and after
// the server had it, by a comment with the same id and the old text. The type declares the
// inverse; a toggle has one.
func Example_undo() {
	type comment struct{ Author, Text string }
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	comments := optimist.NewStore[comment](m, "comment")

	var write *optimist.Action[comment, comment]
	erase := optimist.Register(comments, optimist.Mutation[comment, struct{}]{
		Type: "erase", Kind: optimist.Delete,
		Send: func(context.Context, optimist.Call[struct{}]) (optimist.Truth[comment], error) {
			fmt.Println("server: erased")
			return optimist.Truth[comment]{}, nil // as predicted
		},
		Undo: func(u optimist.Undone[comment, struct{}]) optimist.Planned {
			return write.Plan(u.Entity, u.Before)
		},
	})
	write = optimist.Register(comments, optimist.Mutation[comment, comment]{
		Type: "write", Kind: optimist.Create,
		Apply: func(_ comment, c comment) (comment, error) { return c, nil },
		Send: func(_ context.Context, c optimist.Call[comment]) (optimist.Truth[comment], error) {
			fmt.Println("server: written", c.Args.Text)
			return optimist.Truth[comment]{}, nil
		},
		Undo: func(u optimist.Undone[comment, comment]) optimist.Planned {
			return erase.Plan(u.Entity, struct{}{})
		},
	})
	comments.Receive("7", optimist.TruthOf(comment{"ann", "first"}, 1))

	m.SetOnline(false)
	erased, _ := erase.Execute(ctx, "7", struct{}{})
	erased.Undo(ctx)
	m.SetOnline(true)
	m.Flush(ctx)
	fmt.Println("undone at once:", comments.View("7").Value.Text)

	erased, _ = erase.Execute(ctx, "7", struct{}{})
	erased.Wait(ctx)
	fmt.Println("erased:", comments.View("7").Presence)
	undone, err := erased.Undo(ctx)
	shown := comments.View("7").Value.Text // at once, as after every operation
	undone.Wait(ctx)
	fmt.Println("undone:", shown, err)

	comments.Receive("7", optimist.TruthOf(comment{"ann", "edited since"}, 9))
	_, err = undone.Undo(ctx) // redo would take the edit along
	fmt.Println("redone:", errors.Is(err, optimist.ErrChangedSince))
	m.Close(ctx)
	// Output:
	// undone at once: first
	// server: erased
	// erased: absent
	// server: written first
	// undone: first <nil>
	// redone: true
}
