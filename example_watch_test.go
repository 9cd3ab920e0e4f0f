package optimist_test

import (
	"context"
	"fmt"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
)

// Watch is for showing a value: the present one first, then the latest after every
// change. A slow loop skips what lies between, never the last.
func Example_watch() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	titles := optimist.NewStore[string](m, "title")
	titles.Receive("1", optimist.TruthOf("draft", 1))

	for v := range titles.Watch(ctx, "1") {
		fmt.Println(v.Value, "at version", v.Version)
		if v.Version == 2 {
			break
		}
		titles.Receive("1", optimist.TruthOf("final", 2)) // somebody else's edit
	}
	m.Close(ctx)
	// Output:
	// draft at version 1
	// final at version 2
}

// Subscribe is for everything that happens: logs, traces, tools. A subscriber that
// falls behind gets a Gap event, and never delays the manager.
func Example_subscribe() {
	ctx := context.Background()
	m, _ := optimist.New(optimist.Options{})
	titles := optimist.NewStore[string](m, "title")
	rename := optimist.Register(titles, optimist.Mutation[string, string]{
		Type:  "rename",
		Slot:  func(string) string { return "text" },
		Apply: func(_, text string) (string, error) { return text, nil },
		Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
			return optimist.TruthOf(c.Args, 2), nil
		},
	})
	titles.Receive("1", optimist.TruthOf("draft", 1))

	events := m.Subscribe(optimist.SubscribeOptions{Entity: "title:1"})
	rename.Execute(ctx, "1", "final")
	m.Flush(ctx)
	for ev := range events.All(ctx) {
		fmt.Println(ev.Kind)
		if ev.Kind == event.Settled {
			break
		}
	}
	events.Close()
	m.Close(ctx)
	// Output:
	// started
	// accepted
	// changed
	// sent
	// settled
}
