package list_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// A page that was read before a deletion arrives after it was confirmed (kibana#156174,
// TanStack/query#1204: the row comes back), from a server with versions and from one without.
func TestScript_ADeletedRowInAnOlderPage(t *testing.T) {
	for _, versions := range []bool{true, false} {
		inFeed(t, 10, five, func(f *feed) {
			l := f.list(list.Query[task]{Order: mostHours, PageSize: 3, Pages: func(ctx context.Context, after list.After[task], limit int) (list.Page[task], error) {
				page, err := f.fetch(ctx, after, limit)
				for i := range page.Rows {
					if !versions {
						page.Rows[i].Truth.Version = 0
					}
				}
				return page, err
			}})
			f.follow(l)
			accept := f.answer
			f.answer = func(id string) (optimist.Truth[task], error) {
				told, err := accept(id)
				if !versions {
					told.Version = 0
				}
				return told, err
			}
			must(t, l.More(f.ctx))
			f.state(l, "a b c")
			f.slow = 2 * time.Second
			go l.Refetch(f.ctx)
			time.Sleep(time.Second)
			h, err := f.remove.Execute(f.ctx, "b", "")
			must(t, err)
			_, err = h.Wait(f.ctx)
			must(t, err)
			f.state(l, "a c")
			time.Sleep(2 * time.Second)
			synctest.Wait()
			f.state(l, "a c")
			must(t, l.Refetch(f.ctx))
			f.state(l, "a c d")
		})
	}
}

// A card is moved twice before the first answer comes (multica#4415, wekan#6430: it snaps back),
// and the boards are read anew between the answers.
func TestScript_ACardThatIsMovedTwice(t *testing.T) {
	inFeed(t, 10, map[string]int{"x": 1}, func(f *feed) {
		board := func(name string) *list.List[task] {
			l := f.list(list.Query[task]{Where: func(_ string, v task) bool { return v.Text == name }, Order: mostHours, Pages: f.fetch})
			f.follow(l)
			must(t, l.More(f.ctx))
			return l
		}
		boards := []*list.List[task]{board("x"), board("doing"), board("done")}
		holds := func(when, a, b, c string) {
			t.Helper()
			var rows [3]list.Rows[task]
			must(t, f.m.Views(boards[0].Into(&rows[0]), boards[1].Into(&rows[1]), boards[2].Into(&rows[2])))
			equal(t, when, [3]string{shown(rows[0]), shown(rows[1]), shown(rows[2])}, [3]string{a, b, c})
		}
		wishes := []task{{"doing", 1}, {"done", 1}}
		f.answer = func(id string) (optimist.Truth[task], error) {
			time.Sleep(time.Second)
			f.write(id, wishes[0])
			wishes = wishes[1:]
			return f.truth(id), nil
		}
		holds("at first", "x", "", "")
		_, err := f.set.Execute(f.ctx, "x", task{"doing", 1})
		must(t, err)
		holds("moved", "", "x", "")
		time.Sleep(time.Second / 2)
		last, err := f.set.Execute(f.ctx, "x", task{"done", 1})
		must(t, err)
		holds("moved again", "", "", "x")
		time.Sleep(time.Second)
		synctest.Wait()
		holds("the first is answered", "", "", "x")
		for _, l := range boards {
			must(t, l.Refetch(f.ctx))
		}
		holds("read anew", "", "", "x")
		_, err = last.Wait(f.ctx)
		must(t, err)
		holds("settled", "", "", "x")
	})
}

// The server makes the id of a new row, and the list is read anew under that id
// (TanStack/db#19, #1442: the row is made anew, or is there twice).
func TestScript_ARowKeepsItsIDWhenTheServerNamesIt(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		l := f.list(list.Query[task]{Order: mostHours, PageSize: 2, Pages: f.fetch})
		f.follow(l)
		must(t, l.More(f.ctx))
		next, stop := l.Pull()
		defer stop()
		next()
		born := optimist.Register(f.tasks, optimist.Mutation[task, task]{
			Type: "born", Kind: optimist.Create, ServerID: true,
			Apply: func(_, v task) (task, error) { return v, nil },
			Send: func(_ context.Context, c optimist.Call[task]) (optimist.Truth[task], error) {
				time.Sleep(time.Second)
				f.write("s1", c.Args)
				told := f.truth("s1")
				told.ID = "s1"
				return told, nil
			},
		})
		h, err := born.Execute(f.ctx, "new", task{"mine", 20})
		must(t, err)
		f.state(l, "new a b")
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.state(l, "new a b")
		must(t, l.Refetch(f.ctx))
		f.state(l, "new a b")
		equal(t, "total", l.Rows().State().Total.N, 6)
		var kinds []list.EditKind
		for s, ok := next(); ok; s, ok = next() {
			for _, e := range s.Edits {
				if e.Kind != list.Mark {
					kinds = append(kinds, e.Kind)
				}
			}
		}
		equal(t, "edits", len(kinds), 1)
		equal(t, "edit", kinds[0], list.Insert)
	})
}

// A deletion that the server has done is undone: the row is where it was, and counted, also in a
// page that was read between the two.
func TestScript_ADeletionIsUndone(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		f.placed = true
		l := f.list(list.Query[task]{Order: mostHours, PageSize: 3, Pages: f.fetch})
		f.follow(l)
		erase := optimist.Register(f.tasks, optimist.Mutation[task, string]{
			Type: "erase", Kind: optimist.Delete,
			Undo: func(u optimist.Undone[task, string]) optimist.Planned { return f.add.Plan(u.Entity, u.Before) },
			Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[task], error) {
				return f.answer(c.Entity)
			},
		})
		must(t, l.More(f.ctx))
		h, err := erase.Execute(f.ctx, "b", "")
		must(t, err)
		_, err = h.Wait(f.ctx)
		must(t, err)
		must(t, l.Refetch(f.ctx))
		f.state(l, "a c d")
		undone, err := h.Undo(f.ctx)
		must(t, err)
		f.state(l, "a b c d")
		_, err = undone.Wait(f.ctx)
		must(t, err)
		f.state(l, "a b c d")
		equal(t, "total", l.Rows().State().Total, list.Total{N: 5, Known: true, Exact: true})
	})
}

// The server is restored from a backup: rows keep their values until a page of the new history
// comes, and those that it has lost go then.
func TestScript_ARestoredServer(t *testing.T) {
	inFeed(t, 10, five, func(f *feed) {
		era := uint64(1)
		must(t, f.m.NewEra(era))
		l := f.list(list.Query[task]{Order: mostHours, Pages: func(ctx context.Context, after list.After[task], limit int) (list.Page[task], error) {
			page, err := f.fetch(ctx, after, limit)
			for i := range page.Rows {
				page.Rows[i].Truth.Era = era
			}
			return page, err
		}})
		f.follow(l)
		must(t, l.More(f.ctx))
		h, err := f.add.Execute(f.ctx, "lost", task{"lost", 8})
		must(t, err)
		_, err = h.Wait(f.ctx)
		must(t, err)
		f.m.SetOnline(false)
		_, err = f.add.Execute(f.ctx, "kept", task{"kept", 2})
		must(t, err)
		f.state(l, "a lost b c d kept e")
		f.mu.Lock()
		delete(f.has, "lost")
		delete(f.has, "c")
		f.has["b"], f.clock, era = task{"b", 4}, 2, 2
		f.mu.Unlock()
		must(t, f.m.NewEra(era))
		f.state(l, "a lost b c d kept e")
		f.m.SetOnline(true)
		must(t, f.m.Flush(f.ctx))
		must(t, l.Refetch(f.ctx))
		f.state(l, "a b d kept e")
		equal(t, "of the new history", l.Rows().At(1).View.Value, task{"b", 4})
	})
}
