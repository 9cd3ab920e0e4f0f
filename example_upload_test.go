package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// An upload may last longer than the timeout of one attempt, as long as it tells its
// progress. Who cancels it does not wait for its end.
func Example_upload() {
	type photo struct{ Pieces int }
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	photos := optimist.NewStore[photo](m, "photo")
	halfway, goOn := make(chan bool), make(chan bool)
	upload := optimist.Register(photos, optimist.Mutation[photo, []string]{
		Type: "upload", Kind: optimist.Create,
		Apply: func(p photo, pieces []string) (photo, error) { p.Pieces = len(pieces); return p, nil },
		Send: func(ctx context.Context, c optimist.Call[[]string]) (none optimist.Truth[photo], err error) {
			for i := range c.Args { // piece by piece
				c.Progress(int64(i+1), int64(len(c.Args)))
				if i == 1 {
					halfway <- true
					select {
					case <-goOn:
					case <-ctx.Done(): // cancelled, or too long without progress
						return none, ctx.Err()
					}
				}
			}
			return optimist.TruthOf(photo{Pieces: len(c.Args)}, 1), nil
		},
		Policy: optimist.Policy{Cancel: optimist.EndCalls},
	})

	h, _ := upload.Execute(ctx, "1", []string{"a", "b", "c", "d"})
	<-halfway
	done, total := h.Progress() // for a bar; subscribers get events as well
	fmt.Println(done, "of", total)
	goOn <- true
	r, _ := h.Wait(ctx)
	fmt.Println(r.Outcome)

	h, _ = upload.Execute(ctx, "2", []string{"a", "b", "c", "d"})
	<-halfway
	h.Cancel()
	r, _ = h.Wait(ctx)
	fmt.Println(r.Outcome, photos.View("2").Presence)
	m.Close(ctx)
	// Output:
	// 2 of 4
	// confirmed
	// cancelled not loaded
}
