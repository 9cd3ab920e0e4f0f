package replay

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

func TestAPageIsKeptAsLongAsItIsNeeded(t *testing.T) {
	b := NewBook(func() int { return 7 })
	key := engine.Key{Space: engine.NewSpace("post"), ID: "1"}
	p := b.Join(key)
	if p.Turn != 7 || b.Join(key) != p {
		t.Fatal("an entity has two pages, or one without turn")
	}
	b.Leave(p)
	if !b.Close(p) || b.Len() != 1 {
		t.Error("a page that another caller has joined was forgotten")
	}
	b.Leave(p)
	p.Add(Entry{})
	if !b.Close(p) || b.Len() != 1 {
		t.Error("a page with an entry was forgotten")
	}
	p.Log = Log{}
	if !b.Close(p) || b.Len() != 0 {
		t.Error("an empty page is kept")
	}
}

func TestTasksAreServedBeforeThePageIsClosed(t *testing.T) {
	b := NewBook(func() int { return 0 })
	key := engine.Key{Space: engine.NewSpace("post"), ID: "1"}
	if !b.Idle() {
		t.Error("it is busy before the first task")
	}
	b.Tell(key, Task{Rewind: []engine.Victim{}})
	b.Tell(key, Task{Settle: new(engine.Op)})
	pages := b.Serve()
	if len(pages) != 1 || !pages[0].Slow() || len(b.Ready()) != 0 {
		t.Fatalf("%d pages are to be served", len(pages))
	}
	p := pages[0]
	if b.Close(p) {
		t.Error("a page with tasks was closed")
	}
	if !b.Take(p) || b.Idle() {
		t.Error("the tasks were not taken, or are done")
	}
	b.Tell(key, Task{Settle: new(engine.Op)})
	if b.Served(p); len(b.Ready()) != 0 || p.Slow() {
		t.Error("a page is to be served by another, although this one has the turn")
	}
	if !b.Take(p) || b.Idle() || b.Take(p) || !b.Idle() {
		t.Error("the last task is done too early, or never")
	}
}

func TestAfterAClearingTheEndsToldBeforeAreSilent(t *testing.T) {
	b := NewBook(func() int { return 0 })
	for _, c := range []struct {
		silent, clear bool
	}{{false, false}, {true, false}, {false, true}} {
		b.Tell(engine.Key{Space: engine.NewSpace("post"), ID: "1"}, b.settling(new(engine.Op), c.silent))
		if c.clear {
			b.Clear()
		}
		p := b.Serve()[0]
		b.Take(p)
		if act := p.Next(10); act.Kind != Settled || b.Silent(act) != (c.silent || c.clear) {
			t.Errorf("%+v: silent is %v", c, b.Silent(act))
		}
	}
}
