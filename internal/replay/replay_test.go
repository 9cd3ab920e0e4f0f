package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

// stage is state outside of a log, as closures change it: names in the order in which
// they were applied.
type stage struct {
	t      *testing.T
	engine *engine.Engine
	space  *engine.Space
	log    Log
	most   int

	shown []string
	said  []string             // what was settled or adopted, or failed
	fails map[*engine.Op]error // cannot be applied again
	names map[*engine.Op]string
}

func newStage(t *testing.T) *stage {
	return &stage{
		t: t, engine: engine.New(engine.Config{MaxInFlight: 1, MaxPerEntity: 100, MaxPending: 1000}), space: engine.NewSpace(""),
		most: 100, fails: make(map[*engine.Op]error), names: make(map[*engine.Op]string),
	}
}

// apply returns a closure that shows name, and whose rollback hides it again. Only the name
// shown last may be hidden.
func (s *stage) apply(name string) func() func() {
	return func() func() {
		s.shown = append(s.shown, name)
		return func() {
			if last := len(s.shown) - 1; last < 0 || s.shown[last] != name {
				s.t.Fatalf("%s is undone while there is %v", name, s.shown)
			}
			s.shown = s.shown[:len(s.shown)-1]
		}
	}
}

// op has the engine accept an operation, which gives it its position.
func (s *stage) op(name, slot string) *engine.Op {
	o := &engine.Op{Type: &engine.Type{Name: name, Family: "closure", Closure: true}, Slot: slot}
	if _, err := s.engine.Step(1, &engine.Execute{Space: s.space, Entity: "1", Op: o}); err != nil {
		s.t.Fatal(err)
	}
	s.engine.Done()
	s.names[o] = name
	return o
}

// add applies an operation for the first time.
func (s *stage) add(name string) *engine.Op {
	o := s.op(name, "")
	e := Entry{Op: o, Apply: s.apply(name)}
	e.Rollback = e.Apply()
	s.log.Add(e)
	return o
}

// toggle applies one that found was in its slot and made wants of it.
func (s *stage) toggle(name string, was, wants bool) *engine.Op {
	o := s.op(name, "like")
	e := Entry{Op: o, Apply: s.apply(name), Was: was, Wants: wants}
	e.Rollback = e.Apply()
	s.log.Add(e)
	return o
}

func rewind(all ...*engine.Op) Task {
	var t Task
	for _, o := range all {
		t.Rewind = append(t.Rewind, engine.Victim{Op: o})
	}
	return t
}

// tell has tasks carried out.
func (s *stage) tell(tasks ...Task) {
	s.t.Helper()
	s.log.Tell(tasks)
	s.drain(0)
}

// drain carries out the acts of the log. The first lost calls never come back.
func (s *stage) drain(lost int) {
	s.t.Helper()
	for steps := 0; ; steps++ {
		if steps > 10_000 {
			s.t.Fatal("there is no end")
		}
		act := s.log.Next(s.most)
		switch act.Kind {
		case Nothing:
			return
		case Undo:
			act.Rollback()
		case Apply:
			if s.fails[act.Op] != nil {
				if s.log.Failed() {
					s.said = append(s.said, "failed "+s.names[act.Op])
				}
				continue
			}
			rollback := act.Apply()
			if lost > 0 {
				lost-- // the goroutine has ended: nobody tells the log
				continue
			}
			s.log.Applied(rollback)
		case Adopted:
			s.said = append(s.said, fmt.Sprintf("adopted %v of %s", act.State, s.names[act.Op]))
		case Settled:
			s.said = append(s.said, fmt.Sprintf("settled %s in life %d", s.names[act.Op], act.Mark))
		}
	}
}

func (s *stage) shows(want string) {
	s.t.Helper()
	if got := strings.Join(s.shown, " "); got != want {
		s.t.Errorf("shown is %q, want %q", got, want)
	}
}

func (s *stage) says(want ...string) {
	s.t.Helper()
	if !slices.Equal(s.said, want) {
		s.t.Errorf("said is %q, want %q", s.said, want)
	}
	s.said = nil
}

func TestReplay_WhatSurvivesIsAppliedAgainInOrder(t *testing.T) {
	s := newStage(t)
	s.add("a")
	b := s.add("b")
	s.add("c")
	d := s.add("d")
	s.add("e")
	s.shows("a b c d e")
	s.tell(rewind(b, d))
	s.shows("a c e")
	s.says()
}

func TestReplay_WhatIsBeforeTheFirstThatGoesIsLeftAlone(t *testing.T) {
	s := newStage(t)
	s.add("a")
	b := s.add("b")
	s.log.Tell([]Task{rewind(b)})
	var kinds []Kind
	for {
		act := s.log.Next(s.most)
		if act.Kind == Nothing {
			break
		}
		kinds = append(kinds, act.Kind)
		act.Rollback()
	}
	if !slices.Equal(kinds, []Kind{Undo}) {
		t.Errorf("asked for %v, want one Undo", kinds)
	}
	s.shows("a")
}

func TestReplay_WhatCannotBeAppliedAgainIsTold(t *testing.T) {
	s := newStage(t)
	a, b := s.add("a"), s.add("b")
	s.add("c")
	s.fails[b] = fmt.Errorf("no")
	s.tell(rewind(a))
	s.says("failed b")
	s.shows("c")
	s.tell(rewind(b)) // what comes of it finds nothing
	s.shows("c")
}

func TestReplay_SettledStaysAndIsForgottenWhenNothingIsBefore(t *testing.T) {
	s := newStage(t)
	a, b := s.add("a"), s.add("b")
	s.tell(Task{Settle: b, Mark: 3})
	s.says("settled b in life 3")
	if s.log.Empty() {
		t.Fatal("b is forgotten although a may go yet")
	}
	s.tell(rewind(a), Task{Settle: a})
	s.shows("b")
	if !s.log.Empty() {
		t.Error("the log keeps what nobody can undo any more")
	}
}

func TestReplay_AnHeirTakesItsPredecessorAlong(t *testing.T) {
	s := newStage(t)
	a, b, c := s.add("a"), s.add("b"), s.add("c")
	s.tell(Task{Settle: a, Heir: b})
	s.tell(rewind(b))
	s.shows("c")
	s.tell(Task{Settle: b}, Task{Settle: c})
	if !s.log.Empty() {
		t.Error("something is kept")
	}
}

func TestReplay_WhatTheServerToldTakesThePlace(t *testing.T) {
	s := newStage(t)
	a := s.add("a")
	s.add("b")
	s.tell(Task{Adopt: a, State: "off", Apply: s.apply("A")})
	s.says("adopted off of a")
	s.shows("A b")
	s.tell(Task{Settle: a})
	s.tell(rewind(a)) // what has settled is not taken back
	s.shows("A b")
}

func TestReplay_ALateAnswerGoesUnderWhatCameLater(t *testing.T) {
	s := newStage(t)
	a := s.add("a")
	s.add("b")
	s.tell(rewind(a))
	s.shows("b")
	s.tell(Task{Adopt: a, State: true, Apply: s.apply("A")})
	s.shows("A b")
}

func TestReplay_TwoTogglesThatCancelOutAreForgotten(t *testing.T) {
	s := newStage(t)
	s.add("first")
	on, off := s.toggle("on", false, true), s.toggle("off", true, false)
	s.tell(Task{Settle: on}, Task{Settle: off})
	if n := len(s.log.entries); n != 1 {
		t.Errorf("the log keeps %d entries, want that of first", n)
	}
}

func TestReplay_SettledEntriesAreBounded(t *testing.T) {
	s := newStage(t)
	s.most = 3
	s.add("first")
	for i := range 10 {
		s.tell(Task{Settle: s.add(fmt.Sprint(i))})
	}
	if n := len(s.log.entries); n != 4 {
		t.Errorf("the log keeps %d entries, want first and 3", n)
	}
}

func TestReplay_ACallThatNeverComesBackLosesNothing(t *testing.T) {
	s := newStage(t)
	a := s.add("a")
	s.add("b")
	s.add("c")
	s.log.Tell([]Task{rewind(a)})
	s.drain(1)
	s.shows("b c") // b was applied, though nobody knows how to undo it
	if n := len(s.log.entries); n != 2 {
		t.Errorf("the log keeps %d entries, want 2", n)
	}
}

// A log shows at every moment what one would show that never had the operations that
// were rolled back.
func TestReplay_AnyOrderEndsWhereTheSurvivorsLead(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newStage(t)
		type live struct {
			name string
			op   *engine.Op
		}
		var open []live
		var want []string // what must be visible
		for step := range 40 {
			switch n := r.IntN(3); {
			case n == 0 || len(open) == 0:
				name := fmt.Sprintf("%d", step)
				open = append(open, live{name, s.add(name)})
				want = append(want, name)
			case n == 1:
				i := r.IntN(len(open))
				s.tell(Task{Settle: open[i].op})
				open = slices.Delete(open, i, i+1)
			default:
				i := r.IntN(len(open))
				s.tell(rewind(open[i].op))
				want = slices.DeleteFunc(want, func(name string) bool { return name == open[i].name })
				open = slices.Delete(open, i, i+1)
			}
			if got := strings.Join(s.shown, " "); got != strings.Join(want, " ") {
				t.Fatalf("seed %d, step %d: shown is %q, want %q", seed, step, got, strings.Join(want, " "))
			}
		}
		for _, o := range open {
			s.tell(Task{Settle: o.op})
		}
		if !s.log.Empty() {
			t.Fatalf("seed %d: the log keeps %d entries", seed, len(s.log.entries))
		}
	}
}
