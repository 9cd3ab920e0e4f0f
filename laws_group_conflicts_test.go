package optimist

import (
	"context"
	"errors"
	"testing"
)

// moving is a group of two pages whose first answers are conflicts: the title of page 1 goes
// to page 2.
func (w *world) moving(conflicts int, resolve func(GroupConflict[string]) Decision[string]) (*GroupAction[string], *int) {
	calls := new(int)
	titled := func(title string) func(page) (page, error) {
		return func(p page) (page, error) { p.Title = title; return p, nil }
	}
	return RegisterGroup(w.m, Group[string]{
		Type: "moving",
		Parts: func(title string) []Part {
			return []Part{w.pages.Part("1", titled("")), w.pages.Part("2", titled(title))}
		},
		Send: func(context.Context, Call[string]) ([]EntityTruth, error) {
			if *calls++; *calls > conflicts {
				return nil, nil
			}
			theirs := TruthOf(page{Title: "theirs", Fans: "you"}, 10+uint64(*calls))
			theirs.By = "you"
			return []EntityTruth{w.pages.EntityTruth("2", theirs)}, Fail(Conflicting, errNo)
		},
		Resolve: resolve,
	}), calls
}

func TestLaw42_AGroupKeepsMine(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.receive("2", w.server.put("2", page{Title: "old"}))
		var first, second Conflict[page, string]
		move, calls := w.moving(1, func(c GroupConflict[string]) Decision[string] {
			var ok, other bool
			first, ok = ConflictIn(c, w.pages, "1")
			second, _ = ConflictIn(c, w.pages, "2")
			_, other = ConflictIn(c, w.pages, "3")
			equal(t, "of the group", [2]bool{ok, other}, [2]bool{true, false})
			equal(t, "arguments", c.Args, "mine")
			is(t, c.Err, errNo)
			return c.KeepMine()
		})
		h := must(move.Execute(w.ctx, "mine"))(t)
		w.flush()
		equal(t, "resolution", w.outcome(h, Confirmed).Conflict, KeptMine)
		equal(t, "calls", *calls, 2)
		equal(t, "nothing was said of the first", first.TheirsPresence, NotLoaded)
		equal(t, "base", [2]string{second.Base.Title, second.Mine.Title}, [2]string{"old", "mine"})
		equal(t, "theirs", second.Theirs, page{Title: "theirs", Fans: "you"})
		equal(t, "version, by", []any{second.TheirsVersion, second.TheirsBy, second.Entity}, []any{uint64(11), "you", "2"})
		equal(t, "mine over theirs", w.view("2"), page{Title: "mine", Fans: "you"})
		_, kept := ConflictIn(GroupConflict[string]{}, w.pages, "1")
		equal(t, "of an empty one", kept, false)
	})
}

func TestLaw42_AGroupGivesWay(t *testing.T) {
	own := errors.New("my own")
	for name, row := range map[string]struct {
		resolve   func(GroupConflict[string]) Decision[string]
		conflicts int
		calls     int
		how       Resolution
		err       error
	}{
		"take theirs":    {func(c GroupConflict[string]) Decision[string] { return c.TakeTheirs() }, 1, 1, TookTheirs, errNo},
		"fail":           {func(c GroupConflict[string]) Decision[string] { return c.Fail(own) }, 1, 1, Refused, own},
		"fail as it was": {func(c GroupConflict[string]) Decision[string] { return c.Fail(nil) }, 1, 1, Refused, errNo},
		"nobody decides": {nil, 1, 1, Refused, errNo},
		"too often":      {func(c GroupConflict[string]) Decision[string] { return c.KeepMine() }, 100, 4, Refused, errNo},
		"a panic":        {func(GroupConflict[string]) Decision[string] { panic("resolver") }, 1, 1, Refused, nil},
		"a merge": {func(c GroupConflict[string]) Decision[string] {
			return Conflict[page, string]{}.Merge("both")
		}, 1, 1, Refused, ErrInvalid},
		"nothing": {func(c GroupConflict[string]) Decision[string] { return Decision[string]{} }, 1, 1, Refused, errNo},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				w.receive("1", w.server.put("1", page{Title: "old"}))
				move, calls := w.moving(row.conflicts, row.resolve)
				h := must(move.Execute(w.ctx, "mine"))(t)
				w.flush()
				r := w.outcome(h, RolledBack)
				equal(t, "resolution", r.Conflict, row.how)
				if row.err != nil {
					is(t, r.Err, row.err)
				}
				equal(t, "calls", *calls, row.calls)
				equal(t, "the first is back", w.view("1").Title, "old")
				equal(t, "the second is theirs", w.view("2").Title, "theirs")
			})
		})
	}
}
