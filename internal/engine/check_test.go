package engine

import "testing"

// TestCheckFinds breaks each invariant in turn: a check that finds nothing is none.
func TestCheckFinds(t *testing.T) {
	typ := &Type{
		Name: "set", Family: "set", Debounce: Debounce{Wait: 10},
		Apply: func(value, args any) (any, error) { return args, nil },
	}
	for name, damage := range map[string]func(e *Engine, ent *Entity, a, b *Op){
		"scratch":        func(e *Engine, ent *Entity, a, b *Op) { e.victims = append(e.victims, Victim{}) },
		"busy":           func(e *Engine, ent *Entity, a, b *Op) { ent.first = nil },
		"pending":        func(e *Engine, ent *Entity, a, b *Op) { e.pending++ },
		"parked":         func(e *Engine, ent *Entity, a, b *Op) { e.parked++ },
		"in flight":      func(e *Engine, ent *Entity, a, b *Op) { ent.lane.flight = a },
		"too many":       func(e *Engine, ent *Entity, a, b *Op) { e.inFlight = e.cfg.MaxInFlight + 1 },
		"entity link":    func(e *Engine, ent *Entity, a, b *Op) { b.part.prev = nil },
		"order":          func(e *Engine, ent *Entity, a, b *Op) { b.pos = a.pos },
		"ended":          func(e *Engine, ent *Entity, a, b *Op) { a.state = Ended },
		"not in a lane":  func(e *Engine, ent *Entity, a, b *Op) { a.part.inLane = false },
		"no flight":      func(e *Engine, ent *Entity, a, b *Op) { a.state = InFlight },
		"no timer":       func(e *Engine, ent *Entity, a, b *Op) { a.timer = 0 },
		"counted wrong":  func(e *Engine, ent *Entity, a, b *Op) { ent.unended++ },
		"parked wrong":   func(e *Engine, ent *Entity, a, b *Op) { ent.parked++ },
		"held":           func(e *Engine, ent *Entity, a, b *Op) { e.setHeld(a, heldBack) },
		"held wrong":     func(e *Engine, ent *Entity, a, b *Op) { e.held++ },
		"cache":          func(e *Engine, ent *Entity, a, b *Op) { b.part.after = "other" },
		"does not apply": func(e *Engine, ent *Entity, a, b *Op) { ent.presence = Absent },
		"lane link":      func(e *Engine, ent *Entity, a, b *Op) { b.part.lanePrev = nil },
		"lane end":       func(e *Engine, ent *Entity, a, b *Op) { ent.lane.last = &a.part },
		"stuck": func(e *Engine, ent *Entity, a, b *Op) {
			a.due, b.due = e.now, e.now
			e.timers.remove(a)
			e.timers.remove(b)
		},
	} {
		e := New(Config{MaxInFlight: 1, MaxPerEntity: 9, MaxPending: 9, ProbeAfter: 9})
		s := NewSpace("s")
		s.Equal = func(a, b any) bool { return a == b }
		e.Step(1, &Receive{EntityTruth: EntityTruth{Space: s, Entity: "x", Truth: Truth{Presence: Present, Value: "0", Version: 1}}})
		a, b := &Op{Type: typ, Args: "1", Slot: "1"}, &Op{Type: typ, Args: "2", Slot: "2"}
		e.Step(1, &Execute{Space: s, Entity: "x", Op: a})
		e.Step(1, &Execute{Space: s, Entity: "x", Op: b})
		if err := e.Check(); err != nil {
			t.Fatal(err)
		}
		damage(e, s.Find("x"), a, b)
		if e.Check() == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
