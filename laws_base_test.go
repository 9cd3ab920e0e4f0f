package optimist

import (
	"context"
	"testing"
	"time"
)

// follow is a relation whose record the server names.
type follow struct {
	On     bool
	Record string // of the server; empty without one
}

// following answers each follow with the next record, and notes what the calls stood on.
func following(w *world) (s *Store[follow], set *Action[follow, bool], stood *[]string) {
	s, stood = NewStore[follow](w.m, "follow"), new([]string)
	version := uint64(1)
	set = Register(s, Mutation[follow, bool]{
		Type: "follow", Slot: func(bool) string { return "it" },
		Apply: func(f follow, on bool) (follow, error) { f.On = on; return f, nil },
		Send: func(_ context.Context, c Call[bool]) (Truth[follow], error) {
			time.Sleep(time.Second)
			base, ok := BaseOf[follow](c)
			if !ok {
				base.Record = "nothing"
			}
			if _, ok := BaseOf[string](c); ok {
				w.Error("the base is of another type")
			}
			*stood = append(*stood, base.Record)
			version++
			if c.Args {
				return TruthOf(follow{On: true, Record: "r" + string('0'+rune(version))}, version), nil
			}
			return TruthOf(follow{}, version), nil
		},
	})
	is(w.T, w.m.Err(), nil)
	return s, set, stood
}

func TestLaw43_ACallCanReadTheTruthOnWhichItStands(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		s, set, stood := following(w)
		must(set.Execute(w.ctx, "1", true))(t) // nothing is known of it
		w.time(time.Millisecond)
		is(t, s.Receive("1", TruthOf(follow{Record: "old"}, 1)), nil)
		must(set.Execute(w.ctx, "1", false))(t) // leaves with the answer of the first
		w.time(1500 * time.Millisecond)
		is(t, s.Receive("1", TruthOf(follow{On: true, Record: "later"}, 9)), nil) // after it has left
		w.flush()
		equal(t, "stood on", *stood, []string{"nothing", "r2"})
		is(t, s.Receive("1", Gone[follow](10)), nil)
		_, ok := BaseOf[follow](Call[bool]{})
		equal(t, "base of no flight", ok, false)
	})
}

func TestLaw43_ACallOfAGroupHasNoOneBase(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		s := NewStore[follow](w.m, "follow")
		is(t, s.Receive("1", TruthOf(follow{Record: "r"}, 1)), nil)
		sent := false
		both := RegisterGroup(w.m, Group[string]{
			Type: "both",
			Parts: func(string) []Part {
				return []Part{s.Part("1", func(f follow) (follow, error) { f.On = true; return f, nil })}
			},
			Send: func(_ context.Context, c Call[string]) ([]EntityTruth, error) {
				_, ok := BaseOf[follow](c)
				sent = !ok
				return nil, nil
			},
		})
		must(both.Execute(w.ctx, ""))(t)
		w.flush()
		equal(t, "sent without a base", sent, true)
	})
}
