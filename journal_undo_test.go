package optimist_test

import (
	"context"
	"testing"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/jsonstored"
	"github.com/optimist-go/optimist/memjournal"
)

// After a restart the wish before an operation is the state under it.
func TestLaw50_AfterARestart(t *testing.T) {
	ctx := t.Context()
	ended, end := context.WithCancel(ctx)
	end()
	var disk memjournal.Disk
	var texts []string
	start := func(online bool) (*optimist.Manager, *optimist.Store[string], *optimist.Action[string, string]) {
		journal, err := disk.Open()
		if err != nil {
			t.Fatal(err)
		}
		m, err := optimist.New(optimist.Options{Journal: journal})
		if err != nil {
			t.Fatal(err)
		}
		notes := optimist.NewStore[string](m, "note")
		write := optimist.Register(notes, optimist.Mutation[string, string]{
			Type: "write", Stored: jsonstored.Of[string](1), Slot: func(string) string { return "text" },
			Apply: func(_, text string) (string, error) { return text, nil },
			Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[string], error) {
				texts = append(texts, c.Args)
				return optimist.TruthOf(c.Args, uint64(1+len(texts))), nil
			},
			Undo: func(u optimist.Undone[string, string]) optimist.Planned { return u.Plan(u.Before) },
		})
		m.SetOnline(online)
		if _, err := m.Restore(); err != nil {
			t.Fatal(err)
		}
		notes.Receive("1", optimist.TruthOf("old", 1))
		return m, notes, write
	}

	m, notes, write := start(false)
	h, err := write.Execute(ctx, "1", "new")
	if err != nil {
		t.Fatal(err)
	}
	id := h.ID()
	m.Close(ended)

	m, notes, _ = start(false)
	h, ok := m.Operation(id)
	if !ok || notes.View("1").Value != "new" {
		t.Fatal(ok, notes.View("1"))
	}
	if undone, err := h.Undo(ctx); err != nil || undone != h || notes.View("1").Value != "old" {
		t.Fatal(undone, err, notes.View("1"))
	}
	m.SetOnline(true)
	if err := m.Flush(ctx); err != nil || len(texts) != 0 {
		t.Fatal(err, texts)
	}
	m.Close(ctx)
	m, notes, _ = start(true)
	if ops := m.Operations(); len(ops) != 0 {
		t.Fatal(ops)
	}
	m.Close(ctx)
}
