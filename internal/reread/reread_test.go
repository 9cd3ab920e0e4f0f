package reread

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

// entities are of which nothing is known, and nothing is unsure.
func entities(ids ...string) (all []*engine.Entity) {
	e, s := engine.New(engine.Config{}), engine.NewSpace("page")
	for _, id := range ids {
		all = append(all, e.Pin(s, id))
	}
	return all
}

func never(*engine.Entity) bool  { return false }
func always(*engine.Entity) bool { return true }

func TestAnEntityIsReadOnceAtATime(t *testing.T) {
	s := New(engine.Retry{Max: 3, Base: 10, Cap: 100})
	ents := entities("1", "2")
	if !s.Ask(ents[0], false) || s.Ask(ents[0], false) || !s.Ask(ents[1], false) {
		t.Fatal("an entity is added each time, or not at all")
	}
	if n, more := s.Hire(0, true), s.Hire(0, true); n != 2 || more != 0 {
		t.Errorf("%d readers for two entities, and then %d", n, more)
	}
	first, _ := s.Take(0, never)
	if s.Ask(first, false) {
		t.Error("an entity that is being read was added again")
	}
	second, _ := s.Take(0, never)
	if none, _ := s.Take(0, never); first != ents[0] || second != ents[1] || none != nil {
		t.Errorf("took %v, %v, %v", first, second, none)
	}
	if s.Reading() != first {
		t.Error("nobody reads the first")
	}
	if s.Finish(first, 1, false, 0, false, 0, never) {
		t.Error("a read that sufficed is made again")
	}
	if s.Reading() != second || s.Due(-1) != engine.Never {
		t.Error("it is still in the schedule")
	}
}

func TestAtMostFourAreReadAtOnce(t *testing.T) {
	s := New(engine.Retry{})
	for _, ent := range entities("1", "2", "3", "4", "5", "6") {
		s.Ask(ent, false)
	}
	if n := s.Hire(0, true); n != 4 {
		t.Errorf("%d readers", n)
	}
	if s.Quit(); s.Hire(0, true) != 1 {
		t.Error("nobody comes in the place of a reader that has quit")
	}
}

func TestAReadThatWasAskedForIsMadeAgain(t *testing.T) {
	s := New(engine.Retry{Max: 2, Base: 10, Cap: 100})
	ent := entities("1")[0]
	s.Ask(ent, true)
	for i, due := range []engine.Time{10, 30, engine.Never} {
		now := s.Due(-1)
		if got, _ := s.Take(now, never); got != ent {
			t.Fatalf("try %d: took %v", i, got)
		}
		if kept := s.Finish(ent, now, true, 0, false, 0, never); kept != (due != engine.Never) || s.Due(-1) != due {
			t.Fatalf("try %d: kept %v, due at %d", i, kept, s.Due(-1))
		}
	}
	s.Ask(ent, true)
	s.Take(0, never)
	s.Finish(ent, 5, true, 0, false, 0, never)
	if s.Hire(5, false) != 0 || s.Due(-1) != engine.Never {
		t.Error("it is read although nothing is to be read")
	}
	if s.Hire(5, true) != 1 || s.Due(-1) != 0 {
		t.Errorf("afterwards it is due at %d", s.Due(-1))
	}
	s.Take(0, never)
	if s.Finish(ent, 5, true, 0, true, 0, never) {
		t.Error("it is kept although nothing is read any more")
	}
}

func TestSettlementsCloseTogetherAreOneRead(t *testing.T) {
	s := New(engine.Retry{})
	ent := entities("1")[0]
	if !s.AskSettled(ent, 0) || s.AskSettled(ent, 50) {
		t.Fatal("the second settlement is a read of its own")
	}
	if s.Due(-1) != 50+SettledPause {
		t.Errorf("due at %d", s.Due(-1))
	}
	if got, dropped := s.Take(s.Due(-1), always); got != nil || len(dropped) != 1 || dropped[0] != ent {
		t.Errorf("took %v, dropped %v although operations came meanwhile", got, dropped)
	}
}

func TestAnEndThatAReadMayHaveMissedIsLookedAt(t *testing.T) {
	for name, later := range map[string]func(*engine.Entity) bool{"busy": always, "idle": never} {
		s := New(engine.Retry{})
		ent := entities("1")[0]
		s.Ask(ent, false)
		s.Take(0, never)
		s.AskSettled(ent, 10)
		if kept := s.Finish(ent, 20, false, 0, false, 0, later); kept != (name == "idle") {
			t.Errorf("%s: kept %v", name, kept)
		} else if kept && s.Due(-1) != 20+SettledPause {
			t.Errorf("%s: due at %d", name, s.Due(-1))
		}
	}
}

func TestAReadThatMayHaveBeenTooEarlyIsMadeAgain(t *testing.T) {
	for name, landed := range map[string]bool{"under way": false, "its value": true} {
		s := New(engine.Retry{Max: 2, Base: 10, Cap: 100})
		ent := entities("1")[0]
		s.Ask(ent, true)
		s.Take(0, never)
		if landed {
			s.Land(ent)
		}
		s.Ask(ent, true)
		if kept := s.Finish(ent, 5, false, 0, false, 0, never); kept == landed || kept && s.Due(-1) != 5 {
			t.Errorf("%s: it is read again: %v, at %v", name, kept, s.Due(-1))
		}
	}
}

// The read of an entity whose operations have ended is made again when it failed, as often as
// the policy allows for each such end, and not before the server asked for it.
func TestAFailedReadAfterTheEndIsMadeAgain(t *testing.T) {
	s := New(engine.Retry{Max: 2, Base: 10, Cap: 100})
	ent := entities("1")[0]
	try := func(now, after engine.Time, want bool) {
		t.Helper()
		if got, _ := s.Take(now, never); got != ent {
			t.Fatalf("at %d it is not read", now)
		}
		if kept := s.Finish(ent, now, true, after, false, 0, never); kept != want {
			t.Fatalf("at %d: kept %v", now, kept)
		}
	}
	s.AskSettled(ent, 0)
	try(SettledPause, 0, true)
	try(SettledPause+10, 0, true)
	try(SettledPause+30, 0, false)

	s.AskSettled(ent, 0)
	try(SettledPause, 5*SettledPause, true)
	if s.AskSettled(ent, SettledPause+1); s.Due(-1) != 6*SettledPause {
		t.Errorf("due at %d", s.Due(-1))
	}
	try(s.Due(-1), 0, true)
	try(s.Due(-1), 0, true) // of the second end
	try(s.Due(-1), 0, false)

	s.AskSettled(ent, 0)
	s.Take(SettledPause, never)
	if s.Finish(ent, SettledPause, true, 0, false, 0, always) {
		t.Error("it is kept although it is busy again")
	}
}
