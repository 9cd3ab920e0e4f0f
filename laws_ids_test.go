package optimist

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optimist-go/optimist/event"
)

// card is a value whose id the server makes: of the stores "list" and "card".
type card struct {
	Text string
	Done bool
	In   string // the list, by either id
}

// board is a client of a server that makes the ids: s1, s2, ... Each call lasts a second.
type board struct {
	*world
	lists, cards *Store[card]
	list         *Action[card, string]
	add          *Action[card, card] // refers to the list
	done         *Action[card, bool] // slot
	move         *Action[card, string]
	drop         *Action[card, struct{}]
	retitle      *Action[card, string]   // of a list
	both         *GroupAction[[2]string] // makes a list and a card in it

	mu      sync.Mutex
	heard   []string
	ids     map[string]string // that the server made, by key
	version uint64
	next    []func(t *Truth[card]) error // what happens to the next answers
}

// tempIDs begins all ids that the client makes.
const tempIDs = "tmp"

// answers notes a call, and answers it. make: the server makes an id for it.
func (b *board) answers(ctx context.Context, key, what, entity string, refs []string, value card, make bool) (Truth[card], error) {
	b.mu.Lock()
	b.heard = append(b.heard, strings.TrimSpace(fmt.Sprintf("%s %s %s", what, entity, strings.Join(refs, " "))))
	if strings.Contains(entity+" "+strings.Join(refs, " "), tempIDs) {
		b.Errorf("a temporary id has left: %s", b.heard[len(b.heard)-1])
	}
	b.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return Truth[card]{}, Fail(Unknown, ctx.Err())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	t := TruthOf(value, b.version)
	if make {
		if b.ids[key] == "" {
			b.ids[key] = fmt.Sprintf("s%d", len(b.ids)+1)
		}
		t.ID = b.ids[key]
	}
	if len(b.next) > 0 {
		f := b.next[0]
		b.next = b.next[1:]
		if f != nil {
			if err := f(&t); err != nil {
				return Truth[card]{}, err
			}
		}
	}
	return t, nil
}

func refuses(*Truth[card]) error           { return errNever }
func nobodyAnswers(*Truth[card]) error     { return Fail(Unknown, errNo) }
func withoutID(t *Truth[card]) (err error) { t.ID = ""; return nil }

func newBoard(w *world) *board {
	b := &board{world: w, ids: make(map[string]string)}
	b.lists, b.cards = NewStore[card](w.m, "list"), NewStore[card](w.m, "card")
	stored := func() Stored[string] { return Stored[string]{Encode: encodeString, Decode: decodeString} }
	b.list = Register(b.lists, Mutation[card, string]{
		Type: "list", Kind: Create, ServerID: true, Stored: stored(),
		Apply: func(c card, text string) (card, error) { c.Text = text; return c, nil },
		Send: func(ctx context.Context, c Call[string]) (Truth[card], error) {
			return b.answers(ctx, c.ID, "list", c.Entity, c.Refs, card{Text: c.Args}, true)
		},
	})
	b.add = Register(b.cards, Mutation[card, card]{
		Type: "add", Kind: Create, ServerID: true,
		Refs:  func(a card) []string { return []string{"list:" + a.In} },
		Apply: func(c card, a card) (card, error) { c.Text, c.In = a.Text, a.In; return c, nil },
		Send: func(ctx context.Context, c Call[card]) (Truth[card], error) {
			return b.answers(ctx, c.ID, "add", c.Entity, c.Refs, card{Text: c.Args.Text, In: c.Refs[0]}, true)
		},
		Stored: Stored[card]{
			Encode: func(c card) ([]byte, error) { return []byte(c.Text + "," + c.In), nil },
			Decode: func(_ int, data []byte) (card, error) {
				text, in, _ := strings.Cut(string(data), ",")
				return card{Text: text, In: in}, nil
			},
		},
	})
	b.done = Register(b.cards, Mutation[card, bool]{
		Type: "done", Slot: func(bool) string { return "done" },
		Apply: func(c card, on bool) (card, error) { c.Done = on; return c, nil },
		Send: func(ctx context.Context, c Call[bool]) (Truth[card], error) {
			base, _ := BaseOf[card](c)
			base.Done = c.Args
			return b.answers(ctx, c.ID, "done", c.Entity, c.Refs, base, false)
		},
		Stored: Stored[bool]{
			Encode: func(on bool) ([]byte, error) { return fmt.Append(nil, on), nil },
			Decode: func(_ int, data []byte) (bool, error) { return string(data) == "true", nil },
		},
	})
	b.move = Register(b.cards, Mutation[card, string]{
		Type: "move", Slot: func(string) string { return "list" }, Stored: stored(),
		Refs:  func(in string) []string { return []string{"list:" + in} },
		Apply: func(c card, in string) (card, error) { c.In = in; return c, nil },
		Send: func(ctx context.Context, c Call[string]) (Truth[card], error) {
			base, _ := BaseOf[card](c)
			base.In = c.Refs[0]
			return b.answers(ctx, c.ID, "move", c.Entity, c.Refs, base, false)
		},
	})
	b.drop = Register(b.cards, Mutation[card, struct{}]{
		Type: "drop", Kind: Delete,
		Send: func(ctx context.Context, c Call[struct{}]) (Truth[card], error) {
			_, err := b.answers(ctx, c.ID, "drop", c.Entity, c.Refs, card{}, false)
			return Gone[card](b.version), err
		},
	})
	b.retitle = Register(b.lists, Mutation[card, string]{
		Type: "retitle", Apply: func(c card, text string) (card, error) { c.Text = text; return c, nil },
		Send: func(ctx context.Context, c Call[string]) (Truth[card], error) {
			return b.answers(ctx, c.ID, "retitle", c.Entity, c.Refs, card{Text: c.Args}, false)
		},
	})
	b.both = RegisterGroup(w.m, Group[[2]string]{
		Type: "both", ServerID: true,
		Refs: func(ids [2]string) []string { return []string{"list:" + ids[0], "card:" + ids[1]} },
		Parts: func(ids [2]string) []Part {
			return []Part{
				b.lists.CreatePart(ids[0], func(c card) (card, error) { c.Text = "group"; return c, nil }),
				b.cards.CreatePart(ids[1], func(c card) (card, error) { c.In = ids[0]; return c, nil }),
			}
		},
		Send: func(ctx context.Context, c Call[[2]string]) ([]EntityTruth, error) {
			t, err := b.answers(ctx, c.ID, "both", c.Entity, c.Refs, card{Text: "group"}, true)
			of := TruthOf(card{In: t.ID}, b.version)
			of.ID = t.ID + "c"
			return []EntityTruth{b.lists.EntityTruth(c.Args[0], t), b.cards.EntityTruth(c.Args[1], of)}, err
		},
	})
	is(w.T, w.m.Err(), nil)
	return b
}

func encodeString(s string) ([]byte, error)           { return []byte(s), nil }
func decodeString(_ int, data []byte) (string, error) { return string(data), nil }

func inBoard(t *testing.T, opts Options, f func(t *testing.T, b *board)) {
	t.Helper()
	inWorld(t, opts, func(t *testing.T, w *world) { f(t, newBoard(w)) })
}

func on[A any](b *board, a *Action[card, A], id string, args A, after ...*Handle) *Handle {
	b.Helper()
	return must(a.Execute(b.ctx, id, args, after...))(b.T)
}

func TestLaw43_BothNamesFindTheEntityAtEveryDoor(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		seen := b.m.Subscribe(SubscribeOptions{Entity: "list:tmp1"})
		defer seen.Close()
		on(b, b.list, "tmp1", "a")
		equal(t, "unnamed", b.lists.View("s1").Presence, NotLoaded)
		b.flush()
		equal(t, "calls", b.heard, []string{"list"})
		equal(t, "by first name", b.lists.View("tmp1"), b.lists.View("s1"))
		equal(t, "value", b.lists.View("s1").Value, card{Text: "a"})

		late := b.m.Subscribe(SubscribeOptions{Entity: "list:s1"})
		defer late.Close()
		is(t, b.lists.Receive("s1", TruthOf(card{Text: "b"}, 9)), nil)
		equal(t, "pushed", b.lists.View("tmp1").Value.Text, "b")
		equal(t, "told to both", []string{last(seen).Entity, last(late).Entity}, []string{"list:tmp1", "list:tmp1"})
		for v := range b.lists.Watch(b.ctx, "s1") {
			equal(t, "watched", v.Value.Text, "b")
			break
		}
		is(t, b.lists.Refresh(b.ctx, "s1", func(context.Context) (Truth[card], error) { return TruthOf(card{Text: "c"}, 10), nil }), nil)
		equal(t, "refreshed", b.lists.View("tmp1").Value.Text, "c")

		on(b, b.add, "tmp2", card{Text: "x", In: "s1"})
		equal(t, "pending", b.m.HasPending("card:tmp2"), true)
		b.flush()
		h := on(b, b.done, "s2", true)
		equal(t, "entity", h.Entity(), "card:tmp2")
		equal(t, "pending of both", []int{b.m.PendingCount("card:tmp2"), b.m.PendingCount("card:s2")}, []int{1, 1})
		is(t, b.m.RollbackAll("card:s2"), nil)
		b.outcome(h, Cancelled)
		b.flush()
		on(b, b.done, "tmp2", true)
		b.flush()
		equal(t, "calls", b.heard[1:], []string{"add  s1", "done s2"})
		equal(t, "forgotten", b.cards.Forget("s2"), true)
		equal(t, "by first name", b.cards.View("tmp2").Presence, NotLoaded)
	})
}

// last is the latest event.
func last(s *Subscription) (ev Event) {
	for ev = range drained(s) {
	}
	return ev
}

// drained is the events that have come.
func drained(s *Subscription) iter.Seq[Event] {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	return s.All(ctx)
}

func TestLaw43_NothingLeavesBeforeTheServersName(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		on(b, b.list, "tmp1", "a")
		on(b, b.add, "tmp2", card{Text: "x", In: "tmp1"})
		on(b, b.done, "tmp2", true)
		moved := on(b, b.move, "tmp2", "tmp1")
		b.flush()
		equal(t, "calls", b.heard, []string{"list", "add  s1", "done s2", "move s2 s1"})
		b.outcome(moved, Confirmed)
		equal(t, "both are one", b.cards.View("tmp2"), b.cards.View("s2"))
	})
	// Truth under the first name does not end the wait.
	inBoard(t, instant, func(t *testing.T, b *board) {
		b.next = []func(*Truth[card]) error{nobodyAnswers}
		on(b, b.add, "tmp2", card{Text: "x", In: "7"})
		done := on(b, b.done, "tmp2", true)
		is(t, b.cards.Receive("tmp2", TruthOf(card{Text: "y"}, 1)), nil)
		b.time(1500 * time.Millisecond)
		b.unsettled(done)
		b.flush()
		equal(t, "calls", b.heard, []string{"add  7", "add  7", "done s1"})
	})
}

func TestLaw43_WhatRefersGoesWithTheCreation(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		b.next = []func(*Truth[card]) error{refuses}
		made := on(b, b.list, "tmp1", "a")
		is(t, b.cards.Receive("7", TruthOf(card{Text: "x", In: "1"}, 1)), nil)
		added, moved := on(b, b.add, "tmp2", card{Text: "x", In: "tmp1"}), on(b, b.move, "7", "tmp1")
		done := on(b, b.done, "7", true)
		b.flush()
		b.outcome(made, RolledBack)
		is(t, b.outcome(added, RolledBack).Err, ErrDependency)
		is(t, b.outcome(moved, RolledBack).Err, ErrDependency)
		b.outcome(done, Confirmed)
		equal(t, "in the old list", b.cards.View("7").Value, card{Text: "x", In: "1", Done: true})
		equal(t, "calls", b.heard, []string{"list", "done 7"})

		// It will never have a name, also for those who come later.
		_, err := b.move.Execute(b.ctx, "7", "tmp1")
		is(t, err, ErrDependency)
		_, err = b.done.Execute(b.ctx, "tmp2", true)
		is(t, err, ErrAbsent)
	})
}

func TestLaw43_WhatRefersWaitsForAParkedCreation(t *testing.T) {
	inBoard(t, parking(), func(t *testing.T, b *board) {
		b.next = []func(*Truth[card]) error{refuses}
		made := on(b, b.list, "tmp1", "a")
		b.time(2 * time.Second)
		equal(t, "state", made.State(), Parked)
		added := on(b, b.add, "tmp2", card{Text: "x", In: "tmp1"})
		apart := on(b, b.add, "tmp3", card{Text: "y", In: "9"})
		b.time(time.Hour)
		b.outcome(apart, Confirmed)
		b.unsettled(added)
		is(t, made.Retry(), nil)
		b.flush()
		b.outcome(added, Confirmed)
		equal(t, "calls", b.heard, []string{"list", "add  9", "list", "add  s1"})
	})
}

func TestLaw43_ASuccessWithoutIDIsAFailureForGood(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		b.next = []func(*Truth[card]) error{withoutID}
		made := on(b, b.list, "tmp1", "a")
		added := on(b, b.add, "tmp2", card{Text: "x", In: "tmp1"})
		b.flush()
		is(t, b.outcome(made, RolledBack).Err, ErrNoServerID)
		b.outcome(added, RolledBack)
		equal(t, "presence", b.lists.View("tmp1").Presence, NotLoaded)
		equal(t, "calls", b.heard, []string{"list"})
	})
	opts := instant
	opts.Policy.Failure = Park
	inBoard(t, opts, func(t *testing.T, b *board) {
		b.next = []func(*Truth[card]) error{withoutID}
		made := on(b, b.list, "tmp1", "a")
		b.flush()
		equal(t, "state", made.State(), Parked)
		_, err := b.list.Edit(made, "b") // with a key of its own, which would make a second one
		is(t, err, ErrUnknownOutcome)
		is(t, made.Retry(), nil)
		b.flush()
		b.outcome(made, Confirmed)
		equal(t, "made", len(b.ids), 1)
		equal(t, "found", b.lists.View("s1"), b.lists.View("tmp1"))
	})
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("misnamed")
		def.ServerID = true
		_, err := Register(w.pages, def).Execute(w.ctx, "1", "x")
		is(t, err, ErrInvalid)
	})
}

// Nobody can say of which entity that truth is: shown under the first id, it would stay for ever.
func TestLaw43_TruthWithoutIDBesideARefusalIsNotTaken(t *testing.T) {
	for _, class := range []Class{Permanent, Conflicting} {
		for _, id := range []string{"", "s9"} {
			inBoard(t, instant, func(t *testing.T, b *board) {
				claim := Register(b.lists, Mutation[card, string]{
					Type: "claim", Kind: Create, ServerID: true,
					Apply: func(c card, text string) (card, error) { c.Text = text; return c, nil },
					Send: func(context.Context, Call[string]) (Truth[card], error) {
						theirs := TruthOf(card{Text: "theirs"}, 3)
						theirs.ID = id
						return theirs, Fail(class, errNo)
					},
					Resolve: ServerWins[card, string],
				})
				made := on(b, claim, "tmp1", "mine")
				b.flush()
				b.outcome(made, RolledBack)
				if id == "" {
					equal(t, "presence", b.lists.View("tmp1").Presence, NotLoaded)
				} else {
					equal(t, "by the first", b.lists.View("tmp1").Value, card{Text: "theirs"})
					equal(t, "by the server's name", b.lists.View("s9").Value, card{Text: "theirs"})
				}
			})
		}
	}
}

func TestLaw43_ALateAnswersTruthEntersUnderTheServersName(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		made := on(b, b.list, "tmp1", "a")
		b.time(100 * time.Millisecond)
		is(t, made.Cancel(), nil)
		equal(t, "presence", b.lists.View("tmp1").Presence, NotLoaded)
		b.time(2 * time.Second)
		equal(t, "by the server's name", b.lists.View("s1").Value, card{Text: "a"})
		equal(t, "by the first", b.lists.View("tmp1").Value, card{Text: "a"})
		on(b, b.add, "tmp2", card{In: "tmp1"})
		b.flush()
		equal(t, "calls", b.heard, []string{"list", "add  s1"})
	})
}

func TestLaw43_APushThatNamesTheCreationTellsTheName(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		all := b.m.Subscribe(SubscribeOptions{})
		defer all.Close()
		made := on(b, b.list, "tmp1", "a")
		b.time(100 * time.Millisecond)
		before := b.lists.View("tmp1").Number
		push := TruthOf(card{Text: "A"}, 1)
		push.Contains = []string{made.ID()}
		is(t, b.lists.Receive("s1", push), nil)
		b.outcome(made, Confirmed)
		equal(t, "value", b.lists.View("tmp1").Value, card{Text: "A"})
		b.flush()
		equal(t, "changes", b.lists.View("s1").Number-before, 1)
		for ev := range drained(all) {
			if ev.Kind == event.Changed && ev.Entity != "list:tmp1" {
				t.Errorf("%s has changed", ev.Entity)
			}
		}
	})
}

func TestLaw43_TwoThatWereShownBecomeOne(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		ctx, stop := context.WithCancel(b.ctx)
		defer stop()
		var watched []View[card]
		go func() {
			for v := range b.cards.Watch(ctx, "s1") {
				watched = append(watched, v)
			}
		}()
		b.time(time.Millisecond)
		subscribed := b.m.Subscribe(SubscribeOptions{Entity: "card:s1"})
		defer subscribed.Close()
		made := on(b, b.add, "tmp1", card{Text: "x", In: "7"})
		b.time(500 * time.Millisecond)
		is(t, b.cards.Receive("s1", TruthOf(card{Text: "x", In: "7"}, 1)), nil) // does not name the creation
		done := on(b, b.done, "s1", true)                                       // leaves at once
		equal(t, "both are shown", []Presence{b.cards.View("tmp1").Presence, b.cards.View("s1").Presence}, []Presence{Present, Present})
		b.time(600 * time.Millisecond)
		b.outcome(made, Confirmed)
		moved := on(b, b.move, "tmp1", "8") // waits until they are one
		b.flush()
		b.outcome(done, Confirmed)
		b.outcome(moved, Confirmed)
		equal(t, "calls", b.heard, []string{"add  7", "done s1", "move s1 8"})
		equal(t, "one", b.cards.View("tmp1"), b.cards.View("s1"))
		equal(t, "value", b.cards.View("s1").Value, card{Text: "x", In: "8", Done: true})
		equal(t, "entity", moved.Entity(), "card:tmp1")
		b.time(time.Millisecond)
		equal(t, "watched", watched[len(watched)-1], b.cards.View("s1"))
		for _, v := range watched[1:] {
			if v.Presence == NotLoaded {
				t.Errorf("a watcher saw %v", watched)
			}
		}
		ev := last(subscribed)
		equal(t, "told", ev.Entity, "card:tmp1")
		is(t, b.cards.Receive("s1", TruthOf(card{Text: "z"}, 99)), nil)
		equal(t, "told later", last(subscribed).Value.(card).Text, "z")
	})
}

func TestLaw43_AGroupThatMakesEntitiesIsToldTheirIDs(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		h := must(b.both.Execute(b.ctx, [2]string{"tmp1", "tmp2"}))(t)
		on(b, b.move, "tmp2", "tmp1")
		b.flush()
		b.outcome(h, Confirmed)
		equal(t, "calls", b.heard, []string{"both", "move s1c s1"})
		equal(t, "list", b.lists.View("s1").Value.Text, "group")
	})
}

func TestLaw43_RefsMustBeNames(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) {
		for _, refs := range []func(string) []string{
			func(string) []string { return []string{""} },
			func(string) []string { return []string{"list:"} },
			func(string) []string { return []string{"nowhere:1"} },
			func(string) []string { panic(errors.New("no")) },
		} {
			def := Mutation[card, string]{
				Type: fmt.Sprint("wrong", len(b.heard)), Refs: refs,
				Apply: func(c card, _ string) (card, error) { return c, nil },
				Send:  func(context.Context, Call[string]) (t Truth[card], err error) { return t, nil },
			}
			b.heard = append(b.heard, "")
			_, err := Register(b.cards, def).Execute(b.ctx, "1", "x")
			is(t, err, ErrInvalid)
		}
	})
}

func TestLaw43_ADeletionOfACreationWithoutNameIsNotSent(t *testing.T) {
	inBoard(t, instant, func(t *testing.T, b *board) { // taken back before it left
		is(t, b.m.SetOnline(false), nil)
		on(b, b.add, "tmp1", card{Text: "x", In: "7"})
		dropped := on(b, b.drop, "tmp1", struct{}{})
		is(t, b.m.SetOnline(true), nil)
		b.flush()
		b.outcome(dropped, Confirmed)
		equal(t, "calls", len(b.heard), 0)
	})
	inBoard(t, instant, func(t *testing.T, b *board) { // while it is under way
		on(b, b.add, "tmp1", card{Text: "x", In: "7"})
		b.time(100 * time.Millisecond)
		dropped := on(b, b.drop, "tmp1", struct{}{})
		b.flush()
		b.outcome(dropped, Confirmed)
		equal(t, "calls", b.heard, []string{"add  7", "drop s1"})
	})
	inBoard(t, parking(), func(t *testing.T, b *board) { // nobody knows how it is called
		b.next = []func(*Truth[card]) error{func(*Truth[card]) error { return errors.New("broken") }, refuses}
		made := on(b, b.add, "tmp1", card{Text: "x", In: "7"})
		b.time(100 * time.Millisecond)
		dropped := on(b, b.drop, "tmp1", struct{}{})
		b.flush()
		b.outcome(made, RolledBack)
		b.outcome(dropped, Confirmed)
		equal(t, "calls", b.heard, []string{"add  7", "add  7"})
	})
}

// ClearAll forgets names that nothing uses. An entity that it makes unsure is read by its name, or not at all.
func TestLaw43_ClearAllLeavesNoFirstIDToRead(t *testing.T) {
	for _, answered := range []bool{true, false} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			var read []string
			notes := NewStore(w.m, "note", StoreOptions[card]{Read: func(_ context.Context, id string) (Truth[card], error) {
				read = append(read, id)
				return TruthOf(card{Text: "a"}, 9), nil
			}})
			write := Register(notes, Mutation[card, string]{
				Type: "write", Kind: Create, ServerID: true,
				Apply: func(c card, text string) (card, error) { c.Text = text; return c, nil },
				Send: func(ctx context.Context, _ Call[string]) (Truth[card], error) {
					if answered {
						accepted := AcceptedAt[card](2)
						accepted.ID = "s1"
						return accepted, nil
					}
					<-ctx.Done()
					return Truth[card]{}, ctx.Err()
				},
			})
			must(write.Execute(w.ctx, "tmp1", "a"))(t)
			w.time(time.Second)
			is(t, w.m.ClearAll(), nil)
			is(t, w.m.ClearAll(), nil) // the call has not ended yet
			w.time(time.Minute)
			if answered {
				equal(t, "read", read, []string{"s1"})
				equal(t, "by the first", notes.View("tmp1").Value, card{Text: "a"})
			} else {
				equal(t, "read", read, []string(nil))
			}
		})
	}
}
