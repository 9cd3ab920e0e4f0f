package optimist

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

// answering is the like of a store whose server accepts everything and answers as told.
// Shelf 1 is loaded, at version 7.
type answering struct {
	store   *Store[page]
	like    *Switch[page]
	rename  *Action[page, string]
	answers []Truth[page] // the last one stays
	calls   int
	ended   []Result // that OnSuccess got
	reads   atomic.Int64
	found   Truth[page]
	fails   error // of a read
}

func (w *world) answering(readable bool, opts StoreOptions[page]) *answering {
	a := &answering{}
	if readable {
		opts.Read = func(context.Context, string) (Truth[page], error) {
			a.reads.Add(1)
			return a.found, a.fails
		}
	}
	a.store = NewStore(w.m, "shelf", opts)
	answer := func() (t Truth[page], err error) {
		a.calls++
		if t = a.answers[0]; len(a.answers) > 1 {
			a.answers = a.answers[1:]
		}
		return t, nil
	}
	a.like = RegisterToggle(a.store, Toggle[page]{
		Type: "like-shelf", Get: isFan, Set: setFan,
		Send:      func(context.Context, Call[Switched]) (Truth[page], error) { return answer() },
		OnSuccess: func(_ Switched, r Result) { a.ended = append(a.ended, r) },
	})
	def := w.renaming("rename-shelf")
	def.Send = func(context.Context, Call[string]) (Truth[page], error) { return answer() }
	a.rename = Register(a.store, def)
	is(w.T, a.store.Receive("1", TruthOf(page{}, 7)), nil)
	is(w.T, w.m.Err(), nil)
	return a
}

func (a *answering) tap(w *world) *Handle { return must(a.like.Toggle(w.ctx, "1", "me"))(w.T) }

func (a *answering) shown() bool { return isFan(a.store.View("1").Value, "me") }

// at is truth of a version, liked or not.
func at(version uint64, liked bool) Truth[page] { return TruthOf(setFan(page{}, "me", liked), version) }

// wrote is truth that is older than the write.
func wrote(version uint64, t Truth[page]) Truth[page] { t.Wrote = version; return t }

func TestLaw48_AToggleThatTheServerDoesNotHoldIsNoSuccess(t *testing.T) {
	told := func(r Result) [4]any { return [4]any{r.Outcome, r.Success(), r.Differs, r.Conflict} }
	want := [4]any{Confirmed, false, true, TookTheirs}
	t.Run("typed", func(t *testing.T) {
		inWorld(t, instant, func(t *testing.T, w *world) {
			a := w.answering(false, StoreOptions[page]{})
			a.answers = []Truth[page]{at(9, false)} // accepted, and somebody else was quicker
			sub := w.m.Subscribe(SubscribeOptions{})
			h := a.tap(w)
			w.flush()
			equal(t, "result", told(w.result(h)), want)
			equal(t, "shown", a.shown(), false)
			equal(t, "OnSuccess ran", len(a.ended), 1)
			equal(t, "calls", a.calls, 1)
			equal(t, "told", len(events(sub, event.Conflicted)), 1)

			a.answers = []Truth[page]{at(10, true)}
			h = a.tap(w)
			w.flush()
			equal(t, "result", told(w.result(h)), [4]any{Confirmed, true, false, NoConflict})
		})
	})
	t.Run("closures", func(t *testing.T) {
		inWorld(t, instant, func(t *testing.T, w *world) {
			u := w.toggle("1")
			calls := 0
			u.Send = func(context.Context, bool) (bool, error) { calls++; return false, nil }
			h := must(w.m.ExecuteToggle(w.ctx, u))(t)
			w.flush()
			equal(t, "result", told(w.result(h)), want)
			equal(t, "shown", w.onScreen("1"), false)
			equal(t, "calls", calls, 1)
		})
	})
}

func TestLaw48_ATruthThatComesLaterIsComparedAsWell(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(false, StoreOptions[page]{})
		a.answers = []Truth[page]{AcceptedAt[page](8)}
		h := a.tap(w)
		w.time(time.Second)
		is(t, a.store.Receive("1", at(9, false)), nil)
		r := w.outcome(h, Confirmed)
		equal(t, "success, differs", [2]bool{r.Success(), r.Differs}, [2]bool{false, true})
	})
}

func TestLaw48_AServerThatNormalisesDiffers(t *testing.T) {
	for name, row := range map[string]struct {
		fulfilled func(page, string) bool
		apply     func(page, string) (page, error)
		held      string
		success   bool
		differs   bool
	}{
		"as wanted":                   {held: " a ", success: true},
		"trimmed":                     {held: "a", success: true, differs: true},
		"trimmed, which is a success": {func(p page, s string) bool { return p.Title == strings.TrimSpace(s) }, nil, "a", true, true},
		"another, which is none":      {func(p page, s string) bool { return p.Title == strings.TrimSpace(s) }, nil, "b", false, true},
		"nobody can say":              {func(page, string) bool { panic("fulfilled") }, nil, "a", true, true},
		"a step, not a state":         {nil, func(p page, s string) (page, error) { p.Title += s; return p, nil }, " a ", true, false},
		"refused by Apply":            {nil, onlyOnce, "x", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				def := w.renaming("retitle")
				def.Fulfilled = row.fulfilled
				if row.apply != nil {
					def.Apply = row.apply
				}
				calls := 0
				def.Send = func(context.Context, Call[string]) (Truth[page], error) {
					calls++
					return w.server.put("1", page{Title: row.held}), nil
				}
				sub := w.m.Subscribe(SubscribeOptions{})
				h := do(w, Register(w.pages, def), "1", " a ")
				w.time(time.Hour)
				equal(t, "panics told", len(events(sub, event.CallbackPanicked)) > 0, name == "nobody can say")
				r := w.outcome(h, Confirmed)
				equal(t, "success, differs", [2]bool{r.Success(), r.Differs}, [2]bool{row.success, row.differs})
				equal(t, "shown", w.view("1").Title, row.held)
				equal(t, "calls", calls, 1)
				equal(t, "callbacks", w.noted(), []string{"success of retitle page:1"})
			})
		})
	}
}

// onlyOnce is an Apply that refuses what is named already.
func onlyOnce(p page, title string) (page, error) {
	if p.Title != "" {
		return p, errNo
	}
	p.Title = title
	return p, nil
}

func TestLaw48_AnotherWriteOfOursIsNoDifference(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(false, StoreOptions[page]{})
		a.answers = []Truth[page]{AcceptedAt[page](8), AcceptedAt[page](9)}
		on := a.tap(w)
		w.time(time.Second)
		off := a.tap(w)
		w.time(time.Second)
		is(t, a.store.Receive("1", at(9, false)), nil)
		for _, h := range []*Handle{on, off} {
			r := w.outcome(h, Confirmed)
			equal(t, "success, differs", [2]bool{r.Success(), r.Differs}, [2]bool{true, false})
		}
	})
}

func TestLaw48_AnEntityThatWasRemovedMeanwhileDiffers(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(false, StoreOptions[page]{})
		a.answers = []Truth[page]{Gone[page](9)}
		h := a.tap(w)
		w.flush()
		r := w.outcome(h, Confirmed)
		equal(t, "success, differs", [2]bool{r.Success(), r.Differs}, [2]bool{false, true})
	})
}

func TestLaw48_WrittenAtEightReadAtSeven(t *testing.T) {
	for name, old := range map[string]Truth[page]{
		"older":     wrote(8, at(6, false)),
		"as held":   wrote(8, at(7, false)),
		"unknown":   wrote(8, at(0, false)),
		"between":   wrote(9, at(8, false)),
		"no value":  wrote(8, Truth[page]{}),
		"same time": wrote(8, at(8, true)),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				a := w.answering(false, StoreOptions[page]{})
				a.answers = []Truth[page]{old}
				sub := w.m.Subscribe(SubscribeOptions{Entity: "shelf:1"})
				h := a.tap(w)
				w.time(time.Hour)
				if equal(t, "shown", a.shown(), true); name != "same time" {
					equal(t, "state", h.State(), Acked)
					is(t, a.store.Receive("1", at(old.Wrote, true)), nil)
				}
				equal(t, "success", w.outcome(h, Confirmed).Success(), true)
				equal(t, "changes", len(events(sub, event.Changed)), 1)
				equal(t, "calls", a.calls, 1)
			})
		})
	}
}

func TestLaw48_WhatWasTakenBackAndReadTooEarlyIsShown(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(false, StoreOptions[page]{})
		def := w.likeToggle()
		def.Type = "slow"
		def.Send = func(ctx context.Context, _ Call[Switched]) (Truth[page], error) {
			return wrote(8, at(7, false)), sleep(ctx, time.Second, false)
		}
		slow := RegisterToggle(a.store, def)
		h := must(slow.Toggle(w.ctx, "1", "me"))(t)
		synctest.Wait()
		is(t, h.Cancel(), nil)
		w.time(time.Minute)
		equal(t, "shown", a.shown(), true) // the server has it
	})
}

func TestLaw48_AGroupThatWasReadTooEarlyIsShown(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		for name, version := range map[string]uint64{"early": 8, "late": 0} {
			g := RegisterGroup(w.m, Group[string]{
				Type: name,
				Parts: func(title string) []Part {
					set := func(p page) (page, error) { p.Title = title; return p, nil }
					return []Part{w.pages.Part("1", set), w.pages.Part("2", set)}
				},
				Send: func(context.Context, Call[string]) ([]EntityTruth, error) {
					old := w.server.put("1", page{Title: "old"})
					if old.Wrote = version; version > 0 {
						old.Wrote = old.Version + 1
					}
					return []EntityTruth{w.pages.EntityTruth("1", old)}, nil
				},
			})
			h := must(g.Execute(w.ctx, "x"))(t)
			w.flush()
			r := w.outcome(h, Confirmed)
			equal(t, name+": shown", w.view("1").Title, map[bool]string{true: "x", false: "old"}[version > 0])
			equal(t, name+": differs", r.Differs, version == 0)
		}
	})
}

// Without the option an answer is believed.
func TestLaw48_NobodyGuessesUnasked(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(true, StoreOptions[page]{})
		a.answers = []Truth[page]{at(7, false)}
		h := a.tap(w)
		w.flush()
		equal(t, "success", w.outcome(h, Confirmed).Success(), false)
		equal(t, "shown", a.shown(), false)
		equal(t, "reads", a.reads.Load(), 0)
	})
}

func TestLaw48_AGuessStaysUntilTruthShowsIt(t *testing.T) {
	for _, version := range []uint64{7, 6} {
		inWorld(t, instant, func(t *testing.T, w *world) {
			a := w.answering(false, StoreOptions[page]{LaggingReplica: true})
			a.answers = []Truth[page]{at(version, false)}
			sub := w.m.Subscribe(SubscribeOptions{Entity: "shelf:1"})
			h := a.tap(w)
			w.time(5 * time.Second)
			equal(t, "state", h.State(), Acked)
			is(t, a.store.Receive("1", at(8, false)), nil) // somebody else's
			w.unsettled(h)
			is(t, a.store.Receive("1", at(9, true)), nil)
			equal(t, "success", w.outcome(h, Confirmed).Success(), true)
			equal(t, "changes", len(events(sub, event.Changed)), 1)
			equal(t, "calls", a.calls, 1)
		})
	}
}

func TestLaw48_ServersThatDoNotLagAreNotWaitedFor(t *testing.T) {
	for name, answer := range map[string]Truth[page]{
		"it was so already":                      at(7, true),
		"a newer version, in which it is not so": at(8, false),
		"no version":                             at(0, false),
		"a version without a value":              AcceptedAt[page](7),
		"nothing":                                {},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				a := w.answering(false, StoreOptions[page]{LaggingReplica: true})
				a.answers = []Truth[page]{answer}
				h := a.tap(w)
				synctest.Wait()
				w.outcome(h, Confirmed)
			})
		})
	}
	t.Run("a push was quicker than the answer", func(t *testing.T) {
		inWorld(t, instant, func(t *testing.T, w *world) {
			a := w.answering(false, StoreOptions[page]{LaggingReplica: true})
			def := w.likeToggle()
			def.Type = "slow"
			def.Send = func(ctx context.Context, _ Call[Switched]) (Truth[page], error) {
				return at(7, false), sleep(ctx, time.Second, false)
			}
			h := must(RegisterToggle(a.store, def).Toggle(w.ctx, "1", "me"))(t)
			synctest.Wait()
			is(t, a.store.Receive("1", at(8, true)), nil)
			w.time(time.Second)
			equal(t, "success", w.outcome(h, Confirmed).Success(), true)
		})
	})
	t.Run("a step, not a state", func(t *testing.T) {
		inWorld(t, instant, func(t *testing.T, w *world) {
			a := w.answering(false, StoreOptions[page]{LaggingReplica: true})
			def := w.renamingApart("append")
			def.Send = func(context.Context, Call[string]) (Truth[page], error) { return at(7, false), nil }
			h := do(w, Register(a.store, def), "1", "x")
			synctest.Wait()
			w.outcome(h, Confirmed)
		})
	})
}

func TestLaw48_PatienceEndsWhileSendingIsOpen(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(false, StoreOptions[page]{LaggingReplica: true})
		a.answers = []Truth[page]{at(7, false)}
		h := a.tap(w)
		w.time(6 * time.Second)
		is(t, w.m.SetOnline(false), nil)
		w.time(time.Hour)
		w.unsettled(h)
		is(t, w.m.SetOnline(true), nil)
		w.time(4*time.Second - time.Millisecond)
		w.unsettled(h)
		equal(t, "shown", a.shown(), true)
		w.time(time.Millisecond)
		r := w.outcome(h, Confirmed)
		equal(t, "success, differs", [2]bool{r.Success(), r.Differs}, [2]bool{false, true})
		equal(t, "shown", a.shown(), false)
		equal(t, "calls", a.calls, 1)
	})
}

func TestLaw48_PatienceEndsWithOneRead(t *testing.T) {
	for name, row := range map[string]struct {
		found Truth[page]
		fails error
		so    bool
	}{
		"it is there":     {at(8, true), nil, true},
		"it is not there": {at(8, false), nil, false},
		"still as old":    {at(7, false), nil, false},
		"nobody answers":  {Truth[page]{}, errors.New("no"), false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				a := w.answering(true, StoreOptions[page]{LaggingReplica: true, Patience: time.Second})
				a.found, a.fails = row.found, row.fails
				a.answers = []Truth[page]{at(7, false)}
				sub := w.m.Subscribe(SubscribeOptions{Entity: "shelf:1"})
				h := a.tap(w)
				w.time(time.Second - time.Millisecond)
				equal(t, "reads", a.reads.Load(), 0)
				w.time(time.Hour)
				equal(t, "reads", a.reads.Load(), 1)
				equal(t, "success", w.outcome(h, Confirmed).Success(), row.so)
				equal(t, "shown", a.shown(), row.so)
				equal(t, "changes", len(events(sub, event.Changed)), map[bool]int{true: 1, false: 2}[row.so])
				equal(t, "workers", w.m.courier.Workers(), 0)
			})
		})
	}
}

func TestLaw48_GuessesLeaveInOrder(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(false, StoreOptions[page]{LaggingReplica: true})
		a.answers = []Truth[page]{at(7, false), at(7, false)}
		first := a.tap(w)
		w.time(time.Second)
		second := must(a.like.Toggle(w.ctx, "1", "you"))(t)
		w.time(time.Second)
		is(t, a.store.Receive("1", TruthOf(page{Fans: "you"}, 8)), nil) // shows the second alone
		w.unsettled(first, second)
		is(t, a.store.Receive("1", TruthOf(page{Fans: "me you"}, 9)), nil)
		w.outcome(first, Confirmed)
		w.outcome(second, Confirmed)
	})
}

// The last tap reaches the server, whatever a replica says meanwhile.
func TestLaw48_TheLastWishStaysInTheView(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(false, StoreOptions[page]{LaggingReplica: true})
		a.answers = []Truth[page]{at(7, false), at(9, false)}
		on := a.tap(w)
		w.time(time.Second)
		off := a.tap(w)
		w.time(time.Second)
		equal(t, "calls", a.calls, 2)
		w.outcome(on, Confirmed) // before the later one
		w.outcome(off, Confirmed)
		equal(t, "shown", a.shown(), false)
		is(t, a.store.Receive("1", at(8, true)), nil)
		equal(t, "shown", a.shown(), false)
	})
}

func TestLaw48_AnAnswerWithoutAWordStaysBehindAGuess(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		a := w.answering(false, StoreOptions[page]{LaggingReplica: true})
		a.answers = []Truth[page]{at(7, false), {}}
		on := a.tap(w)
		w.time(time.Second)
		off := a.tap(w)
		w.time(time.Second)
		equal(t, "states", fmt.Sprint(on.State(), off.State()), "acknowledged acknowledged")
		is(t, a.store.Receive("1", at(8, true)), nil) // as it was between the two
		w.outcome(on, Confirmed)
		w.outcome(off, Confirmed)
		equal(t, "shown", a.shown(), false)
	})
}
