package list_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

type note struct {
	Author string
	Likes  int
}

type person struct{ Name string }

// wall has notes and their authors.
type wall struct {
	*testing.T
	ctx    context.Context
	m      *optimist.Manager
	notes  *optimist.Store[note]
	people *optimist.Store[person]
	author *list.Joined[note, person]
	l      *list.List[note]

	set    *optimist.Action[note, note]
	add    *optimist.Action[note, note]
	remove *optimist.Action[note, struct{}]
	rename *optimist.Action[person, person]
	leave  *optimist.Action[person, struct{}]
	both   *optimist.GroupAction[both]
}

// both changes a note and a person in one step.
type both struct {
	note, person string
	n            note
	p            person
}

func newWall(t *testing.T) *wall {
	m, err := optimist.New(optimist.Options{MaxPending: 1 << 20, MaxPerEntity: 1 << 20})
	must(t, err)
	t.Cleanup(func() { m.ClearAll(); m.Close(context.Background()) })
	m.SetOnline(false)
	w := &wall{T: t, ctx: context.Background(), m: m, notes: optimist.NewStore[note](m, "note"), people: optimist.NewStore[person](m, "person")}
	w.set = replacing(w.notes, "set", optimist.Change)
	w.add = replacing(w.notes, "add", optimist.Create)
	w.rename = replacing(w.people, "rename", optimist.Change)
	w.remove = removing(w.notes, "remove")
	w.leave = removing(w.people, "leave")
	w.both = optimist.RegisterGroup(m, optimist.Group[both]{
		Type: "both",
		Parts: func(b both) []optimist.Part {
			parts := []optimist.Part{
				w.notes.Part(b.note, func(note) (note, error) { return b.n, nil }),
				w.people.Part(b.person, func(person) (person, error) { return b.p, nil }),
			}
			if b.n.Likes%2 == 0 {
				slices.Reverse(parts)
			}
			return parts
		},
		Send: func(context.Context, optimist.Call[both]) ([]optimist.EntityTruth, error) { return nil, nil },
	})
	w.author = list.Join(w.people, func(_ string, n note) string { return n.Author })
	return w
}

func replacing[T any](s *optimist.Store[T], typ string, kind optimist.Kind) *optimist.Action[T, T] {
	return optimist.Register(s, optimist.Mutation[T, T]{
		Type: typ, Kind: kind,
		Slot:  func(T) string { return "all" },
		Apply: func(_, a T) (T, error) { return a, nil },
		Send:  func(context.Context, optimist.Call[T]) (t optimist.Truth[T], err error) { return },
	})
}

func removing[T any](s *optimist.Store[T], typ string) *optimist.Action[T, struct{}] {
	return optimist.Register(s, optimist.Mutation[T, struct{}]{
		Type: typ, Kind: optimist.Delete,
		Send: func(context.Context, optimist.Call[struct{}]) (t optimist.Truth[T], err error) { return },
	})
}

func (w *wall) open(q list.Query[note]) {
	w.Helper()
	q.Order = []list.Key[note]{list.Desc(func(_ string, n note) int { return n.Likes })}
	q.Joins = []list.AnyJoin[note]{w.author}
	l, err := list.New(w.notes, q)
	must(w.T, err)
	w.l = l
	w.Cleanup(l.Close)
}

// seen is a row and what is joined to it.
type seen struct {
	id     string
	note   optimist.View[note]
	author optimist.View[person]
}

func (w *wall) seen(rows iter.Seq[list.Row[note]]) (all []seen) {
	for r := range rows {
		all = append(all, seen{r.ID, r.View, w.author.Of(r)})
	}
	return all
}

// naive is what the list must have.
func (w *wall) naive(q list.Query[note], ids []string) (all []seen) {
	for _, id := range ids {
		v := w.notes.View(id)
		if v.Presence == optimist.Present && (q.Where == nil || q.Where(id, v.Value)) {
			all = append(all, seen{id, v, optimist.View[person]{}})
			if v.Value.Author != "" {
				all[len(all)-1].author = w.people.View(v.Value.Author)
			}
		}
	}
	slices.SortFunc(all, func(a, b seen) int {
		return cmp.Or(b.note.Value.Likes-a.note.Value.Likes, strings.Compare(a.id, b.id))
	})
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[:q.Limit]
	}
	return all
}

func values[T any](all iter.Seq2[int, list.Row[T]]) iter.Seq[list.Row[T]] {
	return func(yield func(list.Row[T]) bool) {
		for _, r := range all {
			if !yield(r) {
				return
			}
		}
	}
}

// Whatever happens to the two stores, each row carries the view that its author's store gives,
// and each step is one splice.
func TestTwin_AJoinIsANaiveJoin(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			w := newWall(t)
			q := list.Query[note]{Limit: r.IntN(3) * 4}
			if r.IntN(2) == 0 {
				q.Where = func(_ string, n note) bool { return n.Likes != 3 }
			}
			w.open(q)
			next, stop := iter.Pull(w.l.Watch(w.ctx))
			defer stop()
			var rows []list.Row[note]
			last := uint64(0)
			ids, people := strings.Fields("a b c d e f g h i j"), strings.Fields("p q r s")
			var handles []*optimist.Handle
			var kept []list.Rows[note]
			var keptAs [][]seen
			first, _ := next()
			rows = first.Apply(rows)
			last = first.Step
			pick := func(from []string) string { return from[r.IntN(len(from))] }
			newNote := func() note { return note{append(people, "")[r.IntN(len(people)+1)], r.IntN(6)} }
			version := uint64(0)
			for step := range 400 {
				version++
				var h *optimist.Handle
				switch r.IntN(14) {
				case 0, 1:
					w.notes.Receive(pick(ids), optimist.TruthOf(newNote(), version))
				case 2, 3:
					w.people.Receive(pick(people), optimist.TruthOf(person{fmt.Sprint(r.IntN(3))}, version))
				case 4:
					w.people.Receive(pick(people), optimist.Gone[person](version))
				case 5:
					h, _ = w.set.Execute(w.ctx, pick(ids), newNote())
				case 6:
					h, _ = w.rename.Execute(w.ctx, pick(people), person{fmt.Sprint(r.IntN(3))})
				case 7, 8:
					h, _ = w.both.Execute(w.ctx, both{pick(ids), pick(people), newNote(), person{fmt.Sprint(r.IntN(9))}})
				case 9:
					h, _ = w.add.Execute(w.ctx, pick(ids), newNote())
				case 10:
					h, _ = w.remove.Execute(w.ctx, pick(ids), struct{}{})
				case 11:
					h, _ = w.leave.Execute(w.ctx, pick(people), struct{}{})
				case 12:
					if len(handles) > 0 {
						handles[r.IntN(len(handles))].Cancel()
					}
				case 13:
					switch r.IntN(12) {
					case 0:
						w.m.ClearAll()
					case 1, 2, 3:
						w.people.Forget(pick(people))
					default:
						w.notes.Forget(pick(ids))
					}
				}
				if h != nil {
					handles = append(handles, h)
				}
				now := w.l.Rows()
				if now.Step() != last {
					s, _ := next()
					if s.Step <= last || s.Reset {
						t.Fatalf("step %d: splice %+v after step %d", step, s, last)
					}
					rows, last = s.Apply(rows), s.Step
				}
				want := w.naive(q, ids)
				if got := w.seen(values(now.All())); !slices.Equal(got, want) {
					t.Fatalf("step %d: rows\n%v, want\n%v", step, got, want)
				}
				if got := w.seen(slices.Values(rows)); now.Step() != last || !slices.Equal(got, want) {
					t.Fatalf("step %d: spliced\n%v, want\n%v; rows of step %d, splices of %d", step, got, want, now.Step(), last)
				}
				if r.IntN(20) == 0 {
					kept, keptAs = append(kept, now), append(keptAs, want)
				}
			}
			for i, rows := range kept {
				if got := w.seen(values(rows.All())); !slices.Equal(got, keptAs[i]) {
					t.Fatalf("rows that were read have changed: %v, want %v", got, keptAs[i])
				}
			}
		})
	}
}

// A group that changes a row and what is joined to it is one splice, with both.
func TestLaw42_AGroupOfBothSidesOfAJoinIsOneSplice(t *testing.T) {
	for _, likes := range []int{1, 2} { // in both orders of the parts
		w := newWall(t)
		w.notes.Receive("a", optimist.TruthOf(note{"p", 1}, 1))
		w.people.Receive("p", optimist.TruthOf(person{"ann"}, 1))
		w.open(list.Query[note]{})
		next, stop := iter.Pull(w.l.Watch(w.ctx))
		defer stop()
		next()
		_, err := w.both.Execute(w.ctx, both{"a", "p", note{"p", likes}, person{"bob"}})
		must(t, err)
		s, _ := next()
		if len(s.Edits) != 1 || s.Edits[0].Row.View.Value.Likes != likes || w.author.Of(s.Edits[0].Row).Value.Name != "bob" {
			t.Errorf("%+v", s)
		}
	}
}

// A group changes lists of two stores: each gets one splice, both of one step, and both are read
// at one moment.
func TestLaw42_AGroupIsOneStepOfAllLists(t *testing.T) {
	w := newWall(t)
	w.notes.Receive("a", optimist.TruthOf(note{"p", 1}, 1))
	w.people.Receive("p", optimist.TruthOf(person{"ann"}, 1))
	notes, err := list.New(w.notes, list.Query[note]{})
	must(t, err)
	people, err := list.New(w.people, list.Query[person]{})
	must(t, err)
	nextNote, stop := iter.Pull(notes.Watch(w.ctx))
	defer stop()
	nextPerson, stop := iter.Pull(people.Watch(w.ctx))
	defer stop()
	nextNote()
	nextPerson()
	for n := range 5 {
		h, err := w.both.Execute(w.ctx, both{"a", "p", note{"p", n}, person{fmt.Sprint(n)}})
		must(t, err)
		for range 2 { // there and back
			a, _ := nextNote()
			b, _ := nextPerson()
			if a.Step != b.Step || len(a.Edits) != 1 || len(b.Edits) != 1 {
				t.Errorf("splices %+v and %+v", a, b)
			}
			var ra list.Rows[note]
			var rb list.Rows[person]
			must(t, w.m.Views(notes.Into(&ra), people.Into(&rb)))
			if ra.Step() != a.Step || rb.Step() != a.Step || ra.At(0) != a.Edits[0].Row || rb.At(0) != b.Edits[0].Row {
				t.Errorf("rows of steps %d and %d, splices of %d", ra.Step(), rb.Step(), a.Step)
			}
			h.Cancel()
		}
	}
	notes.Close()
	people.Close()
}

// A program may name the author by either of two names that an entity has.
func TestAJoinKnowsBothNamesOfAnEntity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t)
		hire := optimist.Register(w.people, optimist.Mutation[person, person]{
			Type: "hire", Kind: optimist.Create, ServerID: true,
			Apply: func(_, a person) (person, error) { return a, nil },
			Send: func(_ context.Context, c optimist.Call[person]) (optimist.Truth[person], error) {
				told := optimist.TruthOf(c.Args, 1)
				told.ID = "77"
				return told, nil
			},
		})
		w.notes.Receive("a", optimist.TruthOf(note{"mine", 2}, 1))
		w.notes.Receive("b", optimist.TruthOf(note{"77", 1}, 1))
		w.open(list.Query[note]{})
		h, err := hire.Execute(w.ctx, "mine", person{"ann"})
		must(t, err)
		names := func() string {
			var all []string
			for _, r := range w.l.Rows().All() {
				all = append(all, w.author.Of(r).Value.Name)
			}
			return strings.Join(all, " ")
		}
		equal(t, "before the server's name is known", names(), "ann ")
		w.m.SetOnline(true)
		_, err = h.Wait(w.ctx)
		must(t, err)
		synctest.Wait()
		equal(t, "after", names(), "ann ann")
		w.people.Receive("77", optimist.TruthOf(person{"eve"}, 2))
		equal(t, "truth under the server's name", names(), "eve eve")
	})
}

// An answer that tells the server's name, and no truth yet, changes nothing else.
func TestAJoinLearnsANameWithoutAnyOtherChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t)
		hire := optimist.Register(w.people, optimist.Mutation[person, person]{
			Type: "hire", Kind: optimist.Create, ServerID: true,
			Apply: func(_, a person) (person, error) { return a, nil },
			Send: func(context.Context, optimist.Call[person]) (optimist.Truth[person], error) {
				told := optimist.AcceptedAt[person](5) // truth of that version is to come
				told.ID = "77"
				return told, nil
			},
		})
		w.notes.Receive("b", optimist.TruthOf(note{"77", 1}, 1))
		w.open(list.Query[note]{})
		_, err := hire.Execute(w.ctx, "mine", person{"ann"})
		must(t, err)
		author := func() string { return w.author.Of(w.l.Rows().At(0)).Value.Name }
		w.m.SetOnline(true)
		time.Sleep(time.Second)
		synctest.Wait()
		equal(t, "by the server's name", author(), "ann")
		w.m.ClearAll() // the manager forgets the name
		w.m.SetOnline(false)
		w.notes.Receive("b", optimist.TruthOf(note{"77", 2}, 2))
		w.people.Receive("mine", optimist.TruthOf(person{"eve"}, 1))
		equal(t, "once the name is forgotten", author(), w.people.View("77").Value.Name)
	})
}

// Truth that is told anew, and rows that nobody joins, are no change of a list.
func TestAJoinTellsNothingThatNobodySees(t *testing.T) {
	w := newWall(t)
	w.notes.Receive("a", optimist.TruthOf(note{"p", 1}, 1))
	w.people.Receive("p", optimist.TruthOf(person{"ann"}, 1))
	w.open(list.Query[note]{})
	step := w.l.Rows().Step()
	w.people.Receive("p", optimist.Truth[person]{Presence: optimist.Present, Value: person{"ann"}, Version: 1, Position: 7})
	w.people.Receive("q", optimist.TruthOf(person{"bob"}, 1))
	equal(t, "step", w.l.Rows().Step(), step)
}

func TestWrongJoinsAreRefused(t *testing.T) {
	w, other := newWall(t), newWall(t)
	for name, j := range map[string]list.AnyJoin[note]{
		"nil":        nil,
		"no store":   list.Join[note, person](nil, func(string, note) string { return "" }),
		"no key":     list.Join(w.people, (func(string, note) string)(nil)),
		"a manager":  other.author,
		"no pointer": (*list.Joined[note, person])(nil),
	} {
		if _, err := list.New(w.notes, list.Query[note]{Joins: []list.AnyJoin[note]{j}}); !errors.Is(err, optimist.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	equal(t, "of no row", w.author.Of(list.Row[note]{}), optimist.View[person]{})
}

// A list that ends by a panic leaves all stores, not only the one whose index panicked.
func TestAListThatPanicsLeavesTheStoresOfItsJoins(t *testing.T) {
	for _, guilty := range []string{"where", "key"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWall(t)
			author := list.Join(w.people, func(_ string, n note) string {
				if n.Author == "key" {
					panic("no such author")
				}
				return n.Author
			})
			left := func() weak.Pointer[list.List[note]] {
				l, err := list.New(w.notes, list.Query[note]{Joins: []list.AnyJoin[note]{author}, Where: func(_ string, n note) bool {
					if n.Author == "where" {
						panic("no such note")
					}
					return true
				}})
				must(t, err)
				w.notes.Receive("a", optimist.TruthOf(note{"ann", 1}, 1))
				w.people.Receive("ann", optimist.TruthOf(person{"Ann"}, 1))
				w.notes.Receive("b", optimist.TruthOf(note{guilty, 1}, 1))
				synctest.Wait()
				equal(t, "row", author.Of(l.Rows().At(0)).Value.Name, "Ann")
				return weak.Make(l)
			}()
			w.add.Execute(w.ctx, "c", note{"ann", 1}) // the manager remembers the last function that it called
			for range 3 {
				runtime.GC()
			}
			equal(t, "list that a store still has, which was not closed", left.Value(), nil)
			w.people.Receive("ann", optimist.TruthOf(person{"Eve"}, 2))
		})
	}
}
