package optimist_test

import (
	"context"
	"fmt"
	"os"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/filejournal"
	"github.com/optimist-go/optimist/jsonstored"
)

// With a journal, operations survive the program: the next life shows them at once,
// and sends them with the keys that they had.
func Example_journal() {
	ctx := context.Background()
	keys := make(map[string]bool)

	dir, _ := os.MkdirTemp("", "journal")
	defer os.RemoveAll(dir)

	// start is the beginning of every life of the program.
	start := func(online bool) (*optimist.Manager, *optimist.Action[string, string]) {
		journal, err := filejournal.Open(dir, filejournal.Options{}) // fails while another process owns it
		if err != nil {
			panic(err)
		}
		m, err := optimist.New(optimist.Options{Journal: journal})
		if err != nil {
			panic(err)
		}
		m.SetOnline(online)
		titles := optimist.NewStore[string](m, "title")
		rename := optimist.Register(titles, optimist.Mutation[string, string]{
			Type:  "rename",
			Slot:  func(string) string { return "text" },
			Apply: func(_, text string) (string, error) { return text, nil },
			Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
				fmt.Println("sent:", c.Args, "with a known key:", keys[c.ID])
				return optimist.TruthOf(c.Args, 2), nil
			},
			Stored: jsonstored.Of[string](1),
		})
		titles.Receive("1", optimist.TruthOf("draft", 1)) // from the server, or a cache
		restored, err := m.Restore()                      // when all types are registered
		fmt.Println("restored:", len(restored.Operations), "shown:", titles.View("1").Value, err)
		return m, rename
	}

	m, rename := start(false) // offline
	h, _ := rename.Execute(ctx, "1", "final")
	fmt.Println("durable:", h.Await(ctx, optimist.Journaled) == nil)
	keys[h.ID()] = true

	ended, end := context.WithCancel(ctx)
	end()
	m.Close(ended) // in no time; kill -9 leaves the same

	m, _ = start(true)
	m.Flush(ctx)
	m.Close(ctx)
	// Output:
	// restored: 0 shown: draft <nil>
	// durable: true
	// restored: 1 shown: final <nil>
	// sent: final with a known key: true
}
