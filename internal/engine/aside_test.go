package engine_test

import (
	"errors"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/reason"
)

func TestAnOperationThatWasSetAsideIsParked(t *testing.T) {
	e := engine.New(engine.Config{Prefix: "p"})
	posts, why := &engine.Space{Name: "post"}, errors.New("no such type")
	o := &engine.Op{Type: new(engine.Type)}
	in := engine.Restore{
		ID: "old-7", Seq: 7, Err: why, Kept: engine.Kept{Calls: 2, Attempts: 1, InFlight: true},
		Execute: engine.Execute{Op: o, Group: []engine.Part{{Space: posts, Entity: "1"}, {Space: posts, Entity: "2"}}},
	}
	engine.SetAside(&in)
	var names []string
	for ent := range o.Entities {
		names = append(names, ent.FullName())
	}
	if o.ID(e) != "old-7" || o.Seq() != 7 || o.State() != engine.Parked || o.ParkedFor() != why || o.Calls() != 2 || o.Attempts() != 1 || !o.UnknownOutcome() {
		t.Errorf("it is %+v", o)
	}
	if !o.Group() || len(names) != 2 || names[0] != "post:1" || names[1] != "post:2" {
		t.Errorf("its entities are %v", names)
	}
	if r := e.Why(o); r.Kind != reason.Quarantine {
		t.Errorf("it waits for %d", r.Kind)
	}
	if e.Pending() != 0 || e.Find("old-7") != nil || posts.Find("1") != nil {
		t.Error("an engine knows it")
	}
	f := o.EndAside(engine.Cancelled, nil)
	if f.Kind != engine.OpSettled || f.Op != o || o.State() != engine.Ended || o.Outcome() != engine.Cancelled || e.Why(o).Kind != reason.None {
		t.Errorf("its end is %+v", f)
	}
}

func TestAnUnreadableOperationHasNoID(t *testing.T) {
	e := engine.New(engine.Config{Prefix: "p"})
	o := &engine.Op{Type: new(engine.Type)}
	engine.SetAside(&engine.Restore{Seq: 3, Execute: engine.Execute{Op: o, Space: new(engine.Space)}})
	if id, name := o.ID(e), o.Entity().FullName(); id != "" || name != "" || o.Group() {
		t.Errorf("its id is %q, its entity %q", id, name)
	}
}
