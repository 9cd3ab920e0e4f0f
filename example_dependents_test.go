package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
)

// An operation can depend on others, also of other entities. It leaves when they have
// reached the server, and goes with them when one fails.
func Example_dependents() {
	type photo struct{ Name string }
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})

	photos := optimist.NewStore[photo](m, "photo")
	answers := make(chan error)
	upload := optimist.Register(photos, optimist.Mutation[photo, string]{
		Type: "upload", Kind: optimist.Create,
		Apply: func(p photo, name string) (photo, error) { p.Name = name; return p, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[photo], error) {
			return optimist.TruthOf(photo{Name: c.Args}, 1), <-answers
		},
	})
	albums := optimist.NewStore[string](m, "album")
	cover := optimist.Register(albums, optimist.Mutation[string, string]{
		Type:  "cover",
		Slot:  func(string) string { return "cover" },
		Apply: func(_, photo string) (string, error) { return photo, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			fmt.Println("sent:", c.Args)
			return optimist.TruthOf(c.Args, c.BaseVersion+1), nil
		},
		Policy: optimist.Policy{Debounce: optimist.Debounce{Wait: optimist.NoDebounce}},
	})
	albums.Receive("a", optimist.TruthOf("none", 1))

	up, _ := upload.Execute(ctx, "1", "sea")
	h, _ := cover.Execute(ctx, "a", "sea", up) // after the upload
	fmt.Println("shown:", albums.View("a").Value)
	answers <- nil
	r, _ := h.Wait(ctx)
	fmt.Println(r.Outcome, albums.View("a").Value)

	up, _ = upload.Execute(ctx, "2", "sun")
	h, _ = cover.Execute(ctx, "a", "sun", up)
	fmt.Println("shown:", albums.View("a").Value)
	answers <- optimist.Fail(optimist.Permanent, errors.New("too large"))
	r, _ = h.Wait(ctx)
	fmt.Println(r.Outcome, albums.View("a").Value, errors.Is(r.Err, optimist.ErrDependency))
	m.Close(ctx)
	// Output:
	// shown: sea
	// sent: sea
	// confirmed sea
	// shown: sun
	// rolled back sea true
}
