package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
)

// A change of something new waits until its creation is done. A deletion of what never
// left takes the creation back, without a call. And a creation may find that the entity
// is in the truth already, because its answer was lost or a push came first.
func Example_create() {
	type post struct {
		Text   string
		Pinned bool
		Likes  int // the server counts them
	}
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	posts := optimist.NewStore[post](m, "post")
	send := func(context.Context, optimist.Call[string]) (none optimist.Truth[post], err error) {
		return none, nil // accepted as predicted
	}
	write := optimist.Register(posts, optimist.Mutation[post, string]{
		Type: "write", Kind: optimist.Create, Send: send,
		Apply: func(p post, text string) (post, error) {
			p.Text = text // and nothing else: the likes are the server's
			return p, nil
		},
	})
	pin := optimist.Register(posts, optimist.Mutation[post, string]{
		Type: "pin", Send: send,
		Apply: func(p post, _ string) (post, error) {
			p.Pinned = true
			return p, nil
		},
	})
	erase := optimist.Register(posts, optimist.Mutation[post, string]{
		Type: "erase", Kind: optimist.Delete, Send: send, // a deletion needs no Apply
	})
	m.SetOnline(false)

	written, _ := write.Execute(ctx, "1", "hello")
	pinned, _ := pin.Execute(ctx, "1", "")
	fmt.Println("1:", posts.View("1").Value)

	typo, _ := write.Execute(ctx, "2", "helo")
	erased, _ := erase.Execute(ctx, "2", "")
	t, _ := typo.Wait(ctx)
	e, _ := erased.Wait(ctx)
	fmt.Println("2:", posts.View("2").Presence, t.Outcome, e.Outcome, t.Calls+e.Calls)

	write.Execute(ctx, "3", "good night")
	posts.Receive("3", optimist.TruthOf(post{Text: "good night", Likes: 3}, 1)) // a push
	fmt.Println("3:", posts.View("3").Value)

	m.SetOnline(true)
	w, _ := written.Wait(ctx)
	p, _ := pinned.Wait(ctx) // its call left when the creation was done
	fmt.Println("1:", w.Outcome, p.Outcome, w.Calls+p.Calls)
	m.Close(ctx)
	// Output:
	// 1: {hello true 0}
	// 2: not loaded superseded confirmed 0
	// 3: {good night false 3}
	// 1: confirmed confirmed 2
}
