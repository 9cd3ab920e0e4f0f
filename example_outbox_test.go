package optimist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/jsonstored"
	"github.com/optimist-go/optimist/memjournal"
)

// outbox is a screen with all that is not settled. It keeps nothing: the manager finds
// operations by their ids, those of an earlier life as well.
type outbox struct {
	m    *optimist.Manager
	post *optimist.Action[string, string]
}

func (b outbox) show() (ids []string) {
	for _, h := range b.m.Operations() {
		o := h.Snapshot()
		fmt.Printf("%s of %s %q: %v (%v)\n", o.Type, o.EntityID, o.Args, o.Reason, o.Err)
		ids = append(ids, o.ID)
	}
	return ids
}

func (b outbox) press(button, id, text string) error {
	h, ok := b.m.Operation(id)
	if !ok {
		return errors.New("this one has ended meanwhile")
	}
	switch button {
	case "send now":
		return h.SendNow()
	case "retry":
		return h.Retry()
	case "discard":
		return h.Discard()
	}
	_, err := b.post.Edit(h, text)
	return err
}

// An outbox screen lists what is unsent, says why, and has buttons; also after a restart.
func Example_outbox() {
	var disk memjournal.Disk
	start := func(online bool) outbox { // the beginning of every life of the program
		journal, _ := disk.Open()
		m, _ := optimist.New(optimist.Options{Journal: journal})
		comments := optimist.NewStore[string](m, "comment")
		post := optimist.Register(comments, optimist.Mutation[string, string]{
			Type: "post", Kind: optimist.Create, Stored: jsonstored.Of[string](1),
			Apply: func(_, text string) (string, error) { return text, nil },
			Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
				if len(c.Args) > 10 {
					return optimist.Truth[string]{}, optimist.Fail(optimist.Permanent, errors.New("too long"))
				}
				return optimist.TruthOf(c.Args, 1), nil
			},
			Policy: optimist.Policy{Failure: optimist.Park},
		})
		m.SetOnline(online)
		m.Restore()
		return outbox{m, post}
	}

	ctx := context.Background()
	box := start(true)
	box.post.Execute(ctx, "c1", "much too long")
	box.post.Execute(ctx, "c2", "even much longer")
	box.m.Flush(ctx) // until all is settled or parked
	box.m.SetOnline(false)
	box.post.Execute(ctx, "c3", "short")
	ended, end := context.WithCancel(ctx)
	end()
	box.m.Close(ended) // the journal keeps all three

	box = start(false)
	ids := box.show()
	fmt.Println(box.press("edit", ids[0], "shorter"), box.press("discard", ids[1], ""), box.press("send now", ids[2], ""))
	box.m.SetOnline(true)
	box.m.Flush(ctx)
	fmt.Println("left:", len(box.show()), box.press("discard", ids[0], ""))
	box.m.Close(ctx)
	// Output:
	// post of c1 "much too long": it failed, and somebody has to retry, edit or discard it (permanent: too long)
	// post of c2 "even much longer": it failed, and somebody has to retry, edit or discard it (permanent: too long)
	// post of c3 "short": there is no network (<nil>)
	// <nil> <nil> <nil>
	// left: 0 this one has ended meanwhile
}
