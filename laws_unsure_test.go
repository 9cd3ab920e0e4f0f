package optimist

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
)

// book is a store of the world's pages that can be read anew. Book 1 is loaded.
type book struct {
	store *Store[page]
	like  *Switch[page]
	reads []time.Duration // when they began, since the world did
	load  func(ctx context.Context, n int) (Truth[page], error)
}

// newBook reads what the server has, in a second, unless load, given the number of the
// read, says something else.
func (w *world) newBook(load func(ctx context.Context, n int) (Truth[page], error)) *book {
	b := &book{load: load}
	b.store = NewStore(w.m, "book", StoreOptions[page]{Read: func(ctx context.Context, id string) (Truth[page], error) {
		w.mu.Lock()
		b.reads = append(b.reads, time.Since(w.server.began))
		n := len(b.reads)
		w.mu.Unlock()
		if b.load != nil {
			return b.load(ctx, n)
		}
		t := w.server.truth(id)
		return t, sleep(ctx, time.Second, false)
	}})
	def := w.likeToggle()
	def.Type = "like-book"
	def.Send = func(ctx context.Context, c Call[Switched]) (Truth[page], error) {
		a := asksOf(c, fmt.Sprintf("like %s %v", c.Args.User, c.Args.On), func(p page, there bool) (page, bool) {
			return setFan(p, c.Args.User, c.Args.On), there
		})
		a.lane = "book:" + c.Entity
		return w.server.serve(ctx, a)
	}
	b.like = RegisterToggle(b.store, def)
	is(w.T, b.store.Receive("1", w.server.truth("1")), nil)
	return b
}

func (b *book) tap(w *world) *Handle { return must(b.like.Toggle(w.ctx, "1", "me"))(w.T) }

// doubtful takes a like back whose answer is lost, and waits until its call is given up.
func (w *world) doubtful(b *book) *Handle {
	w.server.next("1", reply{lost: true})
	h := b.tap(w)
	w.time(time.Second)
	is(w.T, h.Cancel(), nil)
	equal(w.T, "unsure while the call is under way", b.store.View("1").Unsure, false)
	w.time(9 * time.Second)
	return h
}

func TestLaw49_TakenBackAndNobodyAnsweredIsUnsure(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		var views atomic.Int64
		go func() {
			for range w.pages.Watch(w.ctx, "1") {
				views.Add(1)
			}
		}()
		sub := w.m.Subscribe(SubscribeOptions{})
		w.server.next("1", reply{lost: true})
		h := w.tap("1", "me")
		w.time(time.Second)
		is(t, h.Cancel(), nil)
		equal(t, "unsure while the call is under way", w.pages.View("1").Unsure, false)
		events(sub)
		seen := views.Load()
		w.time(time.Minute)
		equal(t, "unsure", w.pages.View("1").Unsure, true)
		told := events(sub)
		equal(t, "told", kindsOf(told), []event.Kind{event.TruthUnsure})
		equal(t, "of", [2]string{told[0].ID, told[0].Entity}, [2]string{h.ID(), "page:1"})
		equal(t, "watchers see it", views.Load(), seen+1)

		w.receive("1", TruthOf(page{}, 1)) // older, or as old
		equal(t, "unsure after older truth", w.pages.View("1").Unsure, true)
		w.receive("1", w.server.truth("1"))
		equal(t, "unsure after newer truth", w.pages.View("1").Unsure, false)
		equal(t, "shown", isFan(w.view("1"), "me"), true)
		equal(t, "told", kindsOf(events(sub, event.TruthSure)), []event.Kind{event.TruthSure})
		equal(t, "calls", len(w.server.heard()), 1)
	})
}

func TestLaw49_WhatHasAnsweredLeavesNoDoubt(t *testing.T) {
	for name, r := range map[string]reply{
		"done": {}, "done, without a word": {mute: true}, "refused": {fails: errNever}, "nobody reached": {fails: Fail(Offline, errNo)},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				r.before = 2 * time.Second
				w.server.next("1", reply{fails: Fail(Unknown, errNo)}, r)
				h := w.tap("1", "me")
				w.time(2 * time.Second) // the second attempt is under way
				is(t, h.Cancel(), nil)
				w.time(time.Minute)
				equal(t, "unsure", w.pages.View("1").Unsure, name == "nobody reached") // the first is in doubt then
			})
		})
	}
}

func TestLaw49_AcknowledgedAndTakenBackIsUnsureUntilItsVersion(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.put("1", page{Title: "unseen"})
		w.server.next("1", reply{terse: true})
		h := w.tap("1", "me")
		synctest.Wait()
		is(t, h.Cancel(), nil)
		equal(t, "unsure", w.pages.View("1").Unsure, true)
		between := TruthOf(page{Title: "unseen"}, w.server.truth("1").Version-1)
		w.receive("1", between)
		equal(t, "unsure before its version", w.pages.View("1").Unsure, true)
		w.receive("1", w.server.truth("1"))
		equal(t, "unsure", w.pages.View("1").Unsure, false)
		w.settledTruth("1")
	})
}

func TestLaw49_ClearedWhileUnderWayIsUnsure(t *testing.T) {
	bothDoors(t, instant, func(t *testing.T, w *world, d door) {
		sub := w.m.Subscribe(SubscribeOptions{})
		w.server.next("1", reply{before: time.Second})
		d.tap("1")
		synctest.Wait()
		is(t, w.m.ClearAll(), nil)
		w.time(time.Minute)
		told := events(sub, event.TruthUnsure)
		equal(t, "told", len(told), 1)
		equal(t, "of", told[0].Entity, d.entity("1"))
		d.tap("1") // its answer says how things stand
		w.flush()
		equal(t, "told", kindsOf(events(sub, event.TruthUnsure, event.TruthSure)), []event.Kind{event.TruthSure})
		equal(t, "unsure", w.pages.View("1").Unsure, false)
	})
}

func TestLaw49_AReadThatBeganBeforeTheDoubtDoesNotEndIt(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		w.server.next("1", reply{before: 9 * time.Second, lost: true})
		h := w.tap("1", "me")
		w.time(time.Second)
		is(t, h.Cancel(), nil)
		early := w.server.truth("1")
		early.ReadAt = time.Now()
		w.time(time.Minute)
		w.receive("1", early)
		equal(t, "unsure after the early read", w.pages.View("1").Unsure, true)
		is(t, w.pages.Refresh(w.ctx, "1", func(context.Context) (Truth[page], error) { return w.server.truth("1"), nil }), nil)
		equal(t, "unsure after a read", w.pages.View("1").Unsure, false)
		w.settledTruth("1")
	})
}

func TestLaw49_TheStoreIsReadWithoutBeingAsked(t *testing.T) {
	for name, arrived := range map[string]bool{"the server has it": true, "the server does not": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				b := w.newBook(nil)
				if !arrived {
					w.server.next("1", reply{before: time.Hour})
					h := b.tap(w)
					w.time(time.Second)
					is(t, h.Cancel(), nil)
					w.time(9 * time.Second)
				} else {
					w.doubtful(b)
				}
				equal(t, "unsure", b.store.View("1").Unsure, true)
				w.time(time.Minute)
				equal(t, "read", b.reads, []time.Duration{10 * time.Second})
				v := b.store.View("1")
				equal(t, "unsure after the read", v.Unsure, false)
				equal(t, "shown", v.Value, w.server.truth("1").Value)
				equal(t, "calls", len(w.server.heard()), 1)
				equal(t, "workers", w.m.courier.Workers(), 0)
			})
		})
	}
}

func TestLaw49_ReadingIsTriedAgainAndGivenUp(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		b := w.newBook(func(_ context.Context, n int) (Truth[page], error) {
			switch n {
			case 2:
				panic("read")
			case 3:
				runtime.Goexit()
			}
			return Truth[page]{}, errNo
		})
		sub := w.m.Subscribe(SubscribeOptions{})
		w.doubtful(b)
		w.time(time.Hour)
		equal(t, "read", b.reads, []time.Duration{10 * time.Second, 11 * time.Second, 13 * time.Second, 17 * time.Second})
		told := events(sub, event.TruthUnsure)
		is(t, told[len(told)-1].Err, errNo)
		equal(t, "unsure", b.store.View("1").Unsure, true)
		equal(t, "workers", w.m.courier.Workers(), 0)

		b.load = nil
		b.tap(w) // whose answer tells
		w.flush()
		equal(t, "unsure after an answer", b.store.View("1").Unsure, false)
	})
}

func TestLaw49_NothingIsReadWhileSendingIsPaused(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		b := w.newBook(nil)
		w.server.next("1", reply{lost: true})
		h := b.tap(w)
		w.time(time.Second)
		is(t, h.Cancel(), nil)
		is(t, w.m.SetOnline(false), nil)
		w.time(time.Hour)
		equal(t, "read offline", len(b.reads), 0)
		equal(t, "workers", w.m.courier.Workers(), 0)
		is(t, w.m.SetOnline(true), nil)
		w.time(time.Minute)
		equal(t, "read", len(b.reads), 1)
		equal(t, "shown", b.store.View("1").Value, w.server.truth("1").Value)
	})
}

func TestLaw49_AtMostFourReadsAtOnceAndNoneAfterClose(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		now, most := 0, 0
		b := w.newBook(nil)
		b.load = func(ctx context.Context, n int) (Truth[page], error) {
			w.mu.Lock()
			now++
			most = max(most, now)
			w.mu.Unlock()
			<-ctx.Done()
			w.mu.Lock()
			now--
			w.mu.Unlock()
			return Truth[page]{}, ctx.Err()
		}
		var all []*Handle
		w.server.alwaysReply(&reply{lost: true})
		for i := range 7 {
			id := fmt.Sprint(i + 1)
			is(t, b.store.Receive(id, w.server.truth(id)), nil)
			all = append(all, must(b.like.Toggle(w.ctx, id, "me"))(t))
		}
		w.time(time.Second)
		for _, h := range all {
			is(t, h.Cancel(), nil)
		}
		w.time(12 * time.Second)
		equal(t, "at once", most, 4)
		w.server.alwaysReply(nil)
		is(t, w.m.Close(w.ctx), nil)
		equal(t, "after Close", now, 0)
		began := len(b.reads)
		time.Sleep(time.Hour)
		equal(t, "after Close", len(b.reads), began)
	})
}

// A read that does not heed its context keeps Close waiting for a second.
func TestLaw49_CloseNamesAReadThatIsStuck(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		b := w.newBook(func(context.Context, int) (Truth[page], error) {
			time.Sleep(time.Minute)
			return Truth[page]{}, errNo
		})
		w.doubtful(b)
		w.time(time.Second)
		is(t, w.m.Close(w.ctx), ErrStuck)
		time.Sleep(time.Hour)
	})
}

func TestLaw49_AGroupLeavesDoubtInAllItsEntities(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		g := RegisterGroup(w.m, Group[string]{
			Type: "both",
			Parts: func(title string) []Part {
				name := func(p page) (page, error) { p.Title = title; return p, nil }
				return []Part{w.pages.Part("1", name), w.pages.Part("2", name)}
			},
			Send: func(ctx context.Context, c Call[string]) ([]EntityTruth, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		})
		h := must(g.Execute(w.ctx, "x"))(t)
		sub := w.m.Subscribe(SubscribeOptions{})
		synctest.Wait()
		is(t, h.Cancel(), nil)
		w.time(time.Minute)
		var told []string
		for _, ev := range events(sub, event.TruthUnsure) {
			told = append(told, ev.Entity)
		}
		slices.Sort(told)
		equal(t, "told", told, []string{"page:1", "page:2"})
		equal(t, "unsure", w.pages.View("2").Unsure, true)
	})
}

// Of an Update nothing can be told that ends the doubt.
func TestLaw49_AnUpdateThatTheServerMayHaveIsTold(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		sub := w.m.Subscribe(SubscribeOptions{})
		h := must(w.m.Execute(w.ctx, Update{
			Type: "draw", Entity: "canvas:1", User: "me",
			Apply: func() func() { return func() {} },
			Send:  func(context.Context) error { return errNo },
		}))(t)
		w.flush()
		w.outcome(h, RolledBack)
		told := events(sub, event.TruthUnsure)
		equal(t, "events", len(told), 1)
		equal(t, "of", told[0].ID, h.ID())
	})
}

// A server that has forgotten the key of an operation, and therefore refuses it, leaves the entity
// unsure, and the operation of unknown outcome: it is not sent under another key.
func TestLaw49_ARefusalByAServerThatHasForgottenLeavesDoubt(t *testing.T) {
	for _, failure := range []FailurePolicy{Revert, Park} {
		inWorld(t, Options{Policy: Policy{Debounce: Debounce{Wait: NoDebounce}, Failure: failure}}, func(t *testing.T, w *world) {
			forgotten := Fail(Permanent, fmt.Errorf("%w: the key is too old", ErrUnknownOutcome))
			w.server.next("1", reply{lost: true}, reply{fails: forgotten}, reply{fails: forgotten})
			h := must(w.rename.Execute(w.ctx, "1", "new"))(t)
			w.time(time.Minute)
			equal(t, "unsure", w.pages.View("1").Unsure, failure == Revert)
			if failure == Park {
				equal(t, "state", h.State(), Parked)
				_, err := w.rename.Edit(h, "newer")
				is(t, err, ErrUnknownOutcome)
				is(t, h.Retry(), nil)
				w.time(time.Minute)
				equal(t, "state after a retry", h.State(), Parked)
				is(t, h.Discard(), nil)
				equal(t, "unsure", w.pages.View("1").Unsure, true)
				return
			}
			r, _ := h.Result()
			is(t, r.Err, ErrUnknownOutcome)
			equal(t, "times that the error says so", strings.Count(r.Err.Error(), ErrUnknownOutcome.Error()), 1)
		})
	}
}
