package optimist

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/journal"
)

// TestLaw28_BadInput: each row is refused with a typed error that says what and
// where; nothing panics, and nothing changes: no event, no view, no snapshot.
func TestLaw28_BadInput(t *testing.T) {
	var none context.Context
	over, cancel := context.WithCancel(context.Background())
	cancel()
	expired, stop := context.WithDeadline(context.Background(), time.Unix(0, 0))
	stop()

	type input struct {
		name string
		call func(w *world) error
		want error
		says string // what and where
	}
	update := func(change func(*Update)) func(w *world) error {
		return func(w *world) error {
			u := w.update("bad", "1", func() func() { w.setScreen("1", true); return func() { w.setScreen("1", false) } })
			change(&u)
			_, err := w.m.Execute(w.ctx, u)
			return err
		}
	}
	toggle := func(change func(*ToggleUpdate)) func(w *world) error {
		return func(w *world) error {
			u := w.toggle("1")
			change(&u)
			_, err := w.m.ExecuteToggle(w.ctx, u)
			return err
		}
	}
	// mutation executes a definition with something wrong in it.
	mutation := func(change func(w *world, def *Mutation[page, string])) func(w *world) error {
		return func(w *world) error {
			def := w.renaming("bad")
			change(w, &def)
			_, err := Register(w.pages, def).Execute(w.ctx, "1", "x")
			return err
		}
	}
	toggling := func(change func(*Toggle[page])) func(w *world) error {
		return func(w *world) error {
			def := w.likeToggle()
			def.Type = "bad"
			change(&def)
			_, err := RegisterToggle(w.pages, def).Toggle(w.ctx, "1", "me")
			return err
		}
	}
	group := func(change func(w *world, def *Group[string])) func(w *world) error {
		return func(w *world) error {
			def := Group[string]{
				Type:  "bad",
				Parts: func(string) []Part { return []Part{w.pages.DeletePart("1")} },
				Send:  func(context.Context, Call[string]) ([]EntityTruth, error) { return nil, nil },
			}
			change(w, &def)
			_, err := RegisterGroup(w.m, def).Execute(w.ctx, "x")
			return err
		}
	}
	parts := func(parts func(w *world) []Part) func(w *world) error {
		return group(func(w *world, def *Group[string]) { def.Parts = func(string) []Part { return parts(w) } })
	}
	same := func(p page) (page, error) { return p, nil }
	options := func(o Options) func(*world) error {
		return func(*world) error { _, err := New(o); return err }
	}
	policy := func(p Policy) func(*world) error { return options(Options{Policy: p}) }
	after := func(h func(w *world) *Handle) func(w *world) error {
		return func(w *world) error { _, err := w.rename.Execute(w.ctx, "1", "x", h(w)); return err }
	}
	stranger := func(w *world) *world { return newWorld(w.T, instant) }
	closing := func(call func(w *world) error) func(w *world) error {
		return func(w *world) error { w.m.Close(context.Background()); return call(w) }
	}

	rows := []input{
		// The imperative door.
		{"update without type", update(func(u *Update) { u.Type = "" }), ErrInvalid, "Update.Type is empty"},
		{"update without entity", update(func(u *Update) { u.Entity = "" }), ErrInvalid, "Update.Entity is empty"},
		{"update without apply", update(func(u *Update) { u.Apply = nil }), ErrInvalid, "bad of screen:1: optimist: invalid: Update.Apply is nil"},
		{"update without send", update(func(u *Update) { u.Send = nil }), ErrInvalid, "Update.Send is nil"},
		{"update with incomparable want", update(func(u *Update) { u.Want = []int{1} }), ErrInvalid, "[]int"},
		{"update with bad policy", update(func(u *Update) { u.Policy.Retry.Jitter = 2 }), ErrInvalid, "Retry.Jitter"},
		{"update whose apply panics", update(func(u *Update) { u.Apply = func() func() { panic("boom") } }), ErrApply, "panic in apply: boom"},
		{"update after nil", func(w *world) error {
			_, err := w.m.Execute(w.ctx, w.update("bad", "1", func() func() { return nil }), nil)
			return err
		}, ErrInvalid, "handle 0 to depend on is nil"},
		{"toggle without type", toggle(func(u *ToggleUpdate) { u.Type = "" }), ErrInvalid, "ToggleUpdate.Type is empty"},
		{"toggle without entity", toggle(func(u *ToggleUpdate) { u.Entity = "" }), ErrInvalid, "ToggleUpdate.Entity is empty"},
		{"toggle without current", toggle(func(u *ToggleUpdate) { u.Current = nil }), ErrInvalid, "ToggleUpdate.Current is nil"},
		{"toggle without apply", toggle(func(u *ToggleUpdate) { u.Apply = nil }), ErrInvalid, "ToggleUpdate.Apply is nil"},
		{"toggle without send", toggle(func(u *ToggleUpdate) { u.Send = nil }), ErrInvalid, "ToggleUpdate.Send is nil"},
		{"toggle whose current panics", toggle(func(u *ToggleUpdate) { u.Current = func() bool { panic("boom") } }), ErrApply, "panic in current: boom"},
		{"toggle whose apply panics", toggle(func(u *ToggleUpdate) { u.Apply = func(bool) func() { panic("boom") } }), ErrApply, "like of screen:1"},
		{"toggle with bad policy", toggle(func(u *ToggleUpdate) { u.Policy.Failure = 7 }), ErrInvalid, "Failure"},

		// Contexts.
		{"nil context", func(w *world) error { _, err := w.rename.Execute(none, "1", "x"); return err }, ErrInvalid, "rename of page:1"},
		{"nil context for an update", func(w *world) error {
			_, err := w.m.Execute(none, w.update("bad", "1", func() func() { return nil }))
			return err
		}, ErrInvalid, "the context is nil"},
		{"nil context for a group", func(w *world) error { _, err := w.swap().Execute(none, [2]string{"1", "2"}); return err }, ErrInvalid, "the context is nil"},
		{"nil context for a batch", func(w *world) error { _, err := w.m.Batch(none, w.rename.Plan("1", "x")); return err }, ErrInvalid, "the context is nil"},
		{"nil context for Flush", func(w *world) error { return w.m.Flush(none) }, ErrInvalid, "the context is nil"},
		{"nil context for Idle", func(w *world) error { return w.m.Idle(none) }, ErrInvalid, "the context is nil"},
		{"nil context for Close", func(w *world) error { return w.m.Close(none) }, ErrInvalid, "the context is nil"},
		{"nil context for Wait", func(w *world) error { _, err := w.spare.Wait(none); return err }, ErrInvalid, "the context is nil"},
		{"nil context for Await", func(w *world) error { return w.spare.Await(none, Settled) }, ErrInvalid, "the context is nil"},
		{"nil context for Refresh", func(w *world) error {
			return w.pages.Refresh(none, "1", func(context.Context) (Truth[page], error) { return TruthOf(page{Title: "x"}, 99), nil })
		}, ErrInvalid, "the context is nil"},
		{"cancelled context", func(w *world) error { _, err := w.rename.Execute(over, "1", "x"); return err }, context.Canceled, "rename of page:1"},
		{"cancelled context for an update", func(w *world) error {
			_, err := w.m.Execute(over, w.update("bad", "1", func() func() { return nil }))
			return err
		}, context.Canceled, "bad of screen:1"},
		{"expired context for a toggle", func(w *world) error { _, err := w.m.ExecuteToggle(expired, w.toggle("1")); return err }, context.DeadlineExceeded, "like of screen:1"},
		{"cancelled context for a group", func(w *world) error { _, err := w.swap().Execute(over, [2]string{"1", "2"}); return err }, context.Canceled, "swap"},
		{"cancelled context for a batch", func(w *world) error { _, err := w.m.Batch(over, w.rename.Plan("1", "x")); return err }, context.Canceled, ""},
		{"cancelled context for Flush", func(w *world) error { return w.m.Flush(over) }, context.Canceled, ""},

		// The typed door: calls.
		{"empty id", func(w *world) error { _, err := w.rename.Execute(w.ctx, "", "x"); return err }, ErrInvalid, "the id is empty"},
		{"empty id for a toggle", func(w *world) error { _, err := w.like.Toggle(w.ctx, "", "me"); return err }, ErrInvalid, "the id is empty"},
		{"toggle of what is not loaded", func(w *world) error { _, err := w.like.Toggle(w.ctx, "far", "me"); return err }, ErrNotLoaded, "like of page:far"},
		{"toggle of what is not there", func(w *world) error { _, err := w.like.Toggle(w.ctx, "gone", "me"); return err }, ErrAbsent, "like of page:gone"},
		{"change of what is not there", func(w *world) error { _, err := w.rename.Execute(w.ctx, "gone", "x"); return err }, ErrAbsent, "rename of page:gone"},
		{"guard that refuses", func(w *world) error { _, err := w.uncomment.Execute(w.ctx, "1", "x"); return err }, ErrGuard, "no such comment"},
		{"after nil", after(func(*world) *Handle { return nil }), ErrInvalid, "rename of page:1"},
		{"after a zero handle", after(func(*world) *Handle { return new(Handle) }), ErrInvalid, "handle 0 to depend on is empty"},
		{"update after a zero handle", func(w *world) error {
			_, err := w.m.Execute(w.ctx, w.update("bad", "1", func() func() { return nil }), new(Handle))
			return err
		}, ErrInvalid, "handle 0 to depend on is empty"},
		{"group after a zero handle", func(w *world) error {
			_, err := w.swap().Execute(w.ctx, [2]string{"1", "2"}, w.spare, new(Handle))
			return err
		}, ErrInvalid, "handle 1 to depend on is empty"},
		{"batch after a zero handle", func(w *world) error {
			_, err := w.m.Batch(w.ctx, w.rename.Plan("1", "x", new(Handle)))
			return err
		}, ErrInvalid, "handle 0 to depend on is empty"},
		{"batch of a group after a zero handle", func(w *world) error {
			_, err := w.m.Batch(w.ctx, w.swap().Plan([2]string{"1", "2"}, new(Handle)))
			return err
		}, ErrInvalid, "handle 0 to depend on is empty"},
		{"an empty group", func(w *world) error { _, err := new(GroupAction[int]).Execute(w.ctx, 1); return err }, ErrInvalid, "RegisterGroup"},
		{"a plan of an empty group", func(w *world) error { _, err := w.m.Batch(w.ctx, new(GroupAction[int]).Plan(1)); return err }, ErrInvalid, "RegisterGroup"},
		{"views without id", func(w *world) error { var v View[page]; return w.m.Views(w.pages.Into("", &v)) }, ErrInvalid, `Into of store "page" needs an id`},
		{"views of an empty one", func(w *world) error { return w.m.Views(Into{}) }, ErrInvalid, "entity 0 is empty"},
		{"after another manager's", after(func(w *world) *Handle { return stranger(w).spareOf() }), ErrInvalid, "another manager"},
		{"after a cancelled one", after(func(w *world) *Handle { return w.cancelled }), ErrDependency, "rename of page:1"},
		{"edit of nil", func(w *world) error { _, err := w.rename.Edit(nil, "x"); return err }, ErrInvalid, "Edit needs a handle"},
		{"edit of a zero handle", func(w *world) error { _, err := w.rename.Edit(new(Handle), "x"); return err }, ErrInvalid, "rename"},
		{"edit of another type", func(w *world) error { _, err := w.rename.Edit(w.spare, "x"); return err }, ErrInvalid, "rename"},
		{"edit of what is not parked", func(w *world) error { _, err := w.comment.Edit(w.spare, "x"); return err }, ErrNotParked, "comment of page:9"},
		{"retry of what is not parked", func(w *world) error { return w.spare.Retry() }, ErrNotParked, ""},
		{"discard of what is not parked", func(w *world) error { return w.spare.Discard() }, ErrNotParked, ""},
		{"cancel of what has ended", func(w *world) error { return w.cancelled.Cancel() }, ErrSettled, ""},
		{"a stage that there is not", func(w *world) error { return w.spare.Await(w.ctx, 77) }, ErrInvalid, "77"},
		{"receive without id", func(w *world) error { return w.pages.Receive("", TruthOf(page{}, 9)) }, ErrInvalid, `store "page"`},
		{"receive with bad presence", func(w *world) error { return w.pages.Receive("1", Truth[page]{Presence: 9, Version: 99}) }, ErrInvalid, "page:1"},
		{"refresh without load", func(w *world) error { return w.pages.Refresh(w.ctx, "1", nil) }, ErrInvalid, "page:1"},
		{"refresh without id", func(w *world) error {
			return w.pages.Refresh(w.ctx, "", func(context.Context) (Truth[page], error) { return TruthOf(page{}, 9), nil })
		}, ErrInvalid, "id"},
		{"refresh that fails", func(w *world) error {
			return w.pages.Refresh(w.ctx, "1", func(context.Context) (Truth[page], error) { return TruthOf(page{Title: "x"}, 99), errNo })
		}, errNo, "page:1"},

		// The typed door: definitions.
		{"mutation without type", mutation(func(_ *world, d *Mutation[page, string]) { d.Type = "" }), ErrInvalid, "Type is empty"},
		{"mutation of bad kind", mutation(func(_ *world, d *Mutation[page, string]) { d.Kind = 9 }), ErrInvalid, "Kind"},
		{"mutation without apply", mutation(func(_ *world, d *Mutation[page, string]) { d.Apply = nil }), ErrInvalid, `mutation "bad"`},
		{"mutation without send", mutation(func(_ *world, d *Mutation[page, string]) { d.Send = nil }), ErrInvalid, "Send is nil"},
		{"mutation known already", mutation(func(_ *world, d *Mutation[page, string]) { d.Type = "rename" }), ErrInvalid, "registered already"},
		{"mutation with bad policy", mutation(func(_ *world, d *Mutation[page, string]) { d.Policy.Retry.Base = -1 }), ErrInvalid, "Retry.Base"},
		{"slot that is empty", mutation(func(_ *world, d *Mutation[page, string]) { d.Slot = func(string) string { return "" } }), ErrInvalid, "Slot"},
		{"slot that panics", mutation(func(_ *world, d *Mutation[page, string]) { d.Slot = func(string) string { panic("boom") } }), ErrInvalid, "panic in slot: boom"},
		{"clone that panics", mutation(func(_ *world, d *Mutation[page, string]) { d.Clone = func(string) string { panic("boom") } }), ErrInvalid, "panic in clone: boom"},
		{"apply that panics", mutation(func(_ *world, d *Mutation[page, string]) {
			d.Apply = func(page, string) (page, error) { panic("boom") }
		}), ErrApply, "panic in apply: boom"},
		{"apply that fails", mutation(func(_ *world, d *Mutation[page, string]) {
			d.Apply = func(p page, _ string) (page, error) { return p, errNo }
		}), ErrApply, "bad of page:1"},
		{"guard that panics", mutation(func(_ *world, d *Mutation[page, string]) { d.Guard = func(page, string) error { panic("boom") } }), ErrApply, "boom"},
		{"arguments that cannot be copied", func(w *world) error {
			def := Mutation[page, chan int]{
				Type: "bad", Apply: func(p page, _ chan int) (page, error) { return p, nil },
				Send: func(context.Context, Call[chan int]) (Truth[page], error) { return Truth[page]{}, nil },
			}
			_, err := Register(w.pages, def).Execute(w.ctx, "1", nil)
			return err
		}, ErrInvalid, "set Mutation.Clone"},
		{"arguments behind an interface", func(w *world) error {
			def := Mutation[page, struct{ X any }]{
				Type: "bad", Apply: func(p page, _ struct{ X any }) (page, error) { return p, nil },
				Send: func(context.Context, Call[struct{ X any }]) (Truth[page], error) { return Truth[page]{}, nil },
			}
			_, err := Register(w.pages, def).Execute(w.ctx, "1", struct{ X any }{1})
			return err
		}, ErrInvalid, "may hold anything"},
		{"toggle without get", toggling(func(d *Toggle[page]) { d.Get = nil }), ErrInvalid, "Get is nil"},
		{"toggle without set", toggling(func(d *Toggle[page]) { d.Set = nil }), ErrInvalid, "Set is nil"},
		{"get that panics", toggling(func(d *Toggle[page]) { d.Get = func(page, string) bool { panic("boom") } }), ErrApply, "panic in get: boom"},
		{"set that panics", toggling(func(d *Toggle[page]) { d.Set = func(page, string, bool) page { panic("boom") } }), ErrApply, "boom"},
		{"store without name", func(w *world) error { return w.inStore("") }, ErrInvalid, "store name"},
		{"store with a colon", func(w *world) error { return w.inStore("a:b") }, ErrInvalid, `"a:b"`},
		{"store known already", func(w *world) error { return w.inStore("page") }, ErrInvalid, `there is a store "page" already`},
		{"receive in a bad store", func(w *world) error { return NewStore[page](w.m, "page").Receive("1", TruthOf(page{Title: "x"}, 99)) }, ErrInvalid, "already"},
		{"store without manager", func(*world) error { return NewStore[page](nil, "x").Receive("1", TruthOf(page{}, 1)) }, ErrInvalid, "needs a manager"},
		{"register without store", func(w *world) error {
			_, err := Register(nil, w.renaming("bad")).Execute(w.ctx, "1", "x")
			return err
		}, ErrInvalid, "Register needs a store"},
		{"merge with nothing", func(w *world) error {
			Merge[page, string, string](w.rename, nil, nil)
			_, err := w.rename.Execute(w.ctx, "1", "x")
			return err
		}, ErrInvalid, "Merge needs a second action"},
		{"merge without rule", func(w *world) error {
			Merge(w.comment, w.rename, nil)
			_, err := w.rename.Execute(w.ctx, "1", "x")
			return err
		}, ErrInvalid, "Merge needs two actions and a rule"},
		{"merge of two families", func(w *world) error {
			Merge(w.rename, w.like.Action, func(*string, *Switched) MergeRule { return Separate })
			_, err := w.like.Set(w.ctx, "1", "me", true)
			return errors.Join(err, w.m.Err())
		}, ErrInvalid, "different families"},
		{"store with options twice", func(w *world) error {
			return NewStore(w.m, "twice", StoreOptions[page]{}, StoreOptions[page]{}).Receive("1", TruthOf(page{}, 1))
		}, ErrInvalid, "at most one"},

		// Groups and batches.
		{"group without type", group(func(_ *world, d *Group[string]) { d.Type = "" }), ErrInvalid, "Type is empty"},
		{"group without parts function", group(func(_ *world, d *Group[string]) { d.Parts = nil }), ErrInvalid, "Parts is nil"},
		{"group without send", group(func(_ *world, d *Group[string]) { d.Send = nil }), ErrInvalid, "Send is nil"},
		{"group known already", group(func(_ *world, d *Group[string]) { d.Type = "rename" }), ErrInvalid, "registered already"},
		{"group without manager", func(w *world) error {
			_, err := RegisterGroup(nil, Group[string]{Type: "bad"}).Execute(w.ctx, "x")
			return err
		}, ErrInvalid, "needs a manager"},
		{"parts that panic", parts(func(*world) []Part { panic("boom") }), ErrInvalid, "panic in parts: boom"},
		{"no parts", parts(func(*world) []Part { return nil }), ErrInvalid, "no parts"},
		{"a zero part", parts(func(*world) []Part { return []Part{{}} }), ErrInvalid, "part 0"},
		{"a part without id", parts(func(w *world) []Part { return []Part{w.pages.Part("", same)} }), ErrInvalid, `store "page"`},
		{"a part without apply", parts(func(w *world) []Part { return []Part{w.pages.Part("1", nil)} }), ErrInvalid, "page:1"},
		{"a part twice", parts(func(w *world) []Part { return []Part{w.pages.Part("1", same), w.pages.Part("1", same)} }), ErrInvalid, "each once"},
		{"too many parts", parts(func(w *world) (all []Part) {
			for i := range 201 {
				all = append(all, w.pages.CreatePart(fmt.Sprint("new", i), same))
			}
			return all
		}), ErrInvalid, "at most 200"},
		{"a part of another manager", parts(func(w *world) []Part { return []Part{stranger(w).pages.Part("1", same)} }), ErrInvalid, "part 0"},
		{"a part that panics", parts(func(w *world) []Part {
			return []Part{w.pages.DeletePart("1"), w.pages.Part("2", func(page) (page, error) { panic("boom") })}
		}), ErrApply, "boom"},
		{"batch of nothing", func(w *world) error { _, err := w.m.Batch(w.ctx); return err }, ErrInvalid, "a batch of nothing"},
		{"batch of a zero plan", func(w *world) error { _, err := w.m.Batch(w.ctx, Planned{}); return err }, ErrInvalid, "plan 0"},
		{"batch with a bad plan", func(w *world) error {
			_, err := w.m.Batch(w.ctx, w.rename.Plan("1", "x"), w.rename.Plan("", "x"))
			return err
		}, ErrInvalid, "the id is empty"},
		{"batch with one refused", func(w *world) error {
			_, err := w.m.Batch(w.ctx, w.rename.Plan("1", "x"), w.uncomment.Plan("2", "x"))
			return err
		}, ErrGuard, "no such comment"},
		{"batch with a plan twice", func(w *world) error {
			p := w.rename.Plan("1", "x")
			_, err := w.m.Batch(w.ctx, p, p)
			return err
		}, ErrInvalid, "plan 1"},
		{"batch with a plan used before", func(w *world) error { _, err := w.m.Batch(w.ctx, w.used); return err }, ErrInvalid, "executed already"},
		{"batch with another manager's plan", func(w *world) error {
			_, err := w.m.Batch(w.ctx, stranger(w).rename.Plan("1", "x"))
			return err
		}, ErrInvalid, "another manager"},

		// Options.
		{"jitter above 1", policy(Policy{Retry: Retry{Jitter: 1.5}}), ErrInvalid, "Retry.Jitter"},
		{"jitter that is no number", policy(Policy{Retry: Retry{Jitter: math.NaN()}}), ErrInvalid, "Retry.Jitter"},
		{"negative base", policy(Policy{Retry: Retry{Base: -1}}), ErrInvalid, "Retry.Base"},
		{"cap below base", policy(Policy{Retry: Retry{Base: 2, Cap: 1}}), ErrInvalid, "Retry.Cap"},
		{"negative maximum wait", policy(Policy{Debounce: Debounce{MaxWait: -1}}), ErrInvalid, "Debounce.MaxWait"},
		{"maximum wait below wait", policy(Policy{Debounce: Debounce{Wait: 2, MaxWait: 1}}), ErrInvalid, "Debounce.MaxWait"},
		{"cancel policy that there is not", policy(Policy{Cancel: 9}), ErrInvalid, "Cancel"},
		{"timeouts that contradict each other", policy(Policy{Retry: Retry{Timeout: time.Minute, MaxTimeout: time.Second}}), ErrInvalid, "MaxTimeout"},
		{"failure policy that there is not", policy(Policy{Failure: 9}), ErrInvalid, "Failure"},
		{"long client id", options(Options{ClientID: strings.Repeat("x", 65)}), ErrInvalid, "ClientID has 65 bytes"},
		{"negative cap on calls", options(Options{MaxInFlight: -1}), ErrInvalid, "MaxInFlight"},
		{"negative bound of an entity", options(Options{MaxPerEntity: -1}), ErrInvalid, "MaxPerEntity"},
		{"negative bound", options(Options{MaxPending: -1}), ErrInvalid, "MaxPending"},
		{"negative probe", options(Options{ProbeAfter: -1}), ErrInvalid, "ProbeAfter"},
		{"negative drift", options(Options{MaxDrift: -1}), ErrInvalid, "MaxDrift"},
		{"journal failure that there is not", options(Options{JournalFailure: 9}), ErrInvalid, "JournalFailure"},

		// Arguments of a journaled type.
		{"arguments that cannot be encoded", mutation(func(_ *world, d *Mutation[page, string]) {
			d.Stored = Stored[string]{
				Encode: func(string) ([]byte, error) { return nil, errNo },
				Decode: func(int, []byte) (string, error) { return "", nil },
			}
		}), ErrInvalid, "cannot be stored: no"},
		{"encode that panics", mutation(func(_ *world, d *Mutation[page, string]) {
			d.Stored = Stored[string]{
				Encode: func(string) ([]byte, error) { panic("boom") },
				Decode: func(int, []byte) (string, error) { return "", nil },
			}
		}), ErrInvalid, "panic in encode: boom"},

		// After Close.
		{"execute after Close", closing(func(w *world) error { _, err := w.rename.Execute(context.Background(), "1", "x"); return err }), ErrClosed, "rename of page:1"},
		{"update after Close", closing(update(func(*Update) {})), ErrClosed, "bad of screen:1"},
		{"group after Close", closing(func(w *world) error {
			_, err := w.swap().Execute(context.Background(), [2]string{"1", "2"})
			return err
		}), ErrClosed, "swap"},
		{"batch after Close", closing(func(w *world) error { _, err := w.m.Batch(context.Background(), w.rename.Plan("1", "x")); return err }), ErrClosed, ""},
		{"receive after Close", closing(func(w *world) error { return w.pages.Receive("1", TruthOf(page{Title: "x"}, 99)) }), ErrClosed, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := instant
				opts.Journal = quickJournal{}
				w := newWorld(t, opts)
				must(w.m.Restore())(t)
				defer w.m.Close(context.Background())
				w.prepare()
				before := w.everything()
				sub := w.m.Subscribe(SubscribeOptions{})
				err := row.call(w)
				if !errors.Is(err, row.want) {
					t.Fatalf("error %v, want %v", err, row.want)
				}
				if !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "%!") {
					t.Errorf("%q does not say %q", err, row.says)
				}
				for _, ev := range events(sub) {
					if closed := row.want == ErrClosed; ev.Kind != event.Started && !closed {
						t.Errorf("event %v", ev)
					}
				}
				if row.want != ErrClosed {
					equal(t, "everything", w.everything(), before)
				}
				equal(t, "screen", w.onScreen("1"), false)
			})
		})
	}
	if len(rows) < 40 {
		t.Errorf("%d rows", len(rows))
	}
}

// quickJournal keeps nothing and never waits. An earlier life left something.
type quickJournal struct{ left []journal.Record }

func (j quickJournal) Load() ([]journal.Record, error) { return j.left, nil }

func (quickJournal) Durability() journal.Durability { return journal.DurablePower }
func (quickJournal) Write([]journal.Record) error   { return nil }
func (quickJournal) Close() error                   { return nil }

// prepare makes what bad input is about: something pending, something that has
// ended, a plan that was used and an entity that is gone.
func (w *world) prepare() {
	w.server.next("9", reply{before: time.Hour})
	w.spare = do(w, w.comment, "9", "spare")
	w.server.next("8", reply{before: time.Hour})
	w.cancelled = do(w, w.comment, "8", "cancelled")
	w.used = w.rename.Plan("7", "used")
	must(w.m.Batch(w.ctx, w.used))(w.T)
	is(w.T, w.cancelled.Cancel(), nil)
	w.receive("gone", Gone[page](1))
	synctest.Wait()
}

func (w *world) spareOf() *Handle {
	w.prepare()
	defer w.m.Close(context.Background())
	w.m.ClearAll()
	return w.spare
}

// everything is all that bad input could have changed.
func (w *world) everything() string {
	synctest.Wait()
	s := w.m.Snapshot()
	s.At = time.Time{}
	text := fmt.Sprintf("%+v logs %d", s, closureLogs(w.m))
	for i := range 9 {
		text += fmt.Sprintf(" %+v", w.pages.View(fmt.Sprint(i+1)))
	}
	return text + fmt.Sprint(w.pages.space.Len(), w.m.known.Loose().Len())
}

// inStore executes in a store of that name.
func (w *world) inStore(name string) error {
	s := NewStore[page](w.m, name)
	def := w.renaming("bad")
	_, err := Register(s, def).Execute(w.ctx, "1", "x")
	if !errors.Is(w.m.Err(), ErrInvalid) {
		w.Errorf("Manager.Err does not tell: %v", w.m.Err())
	}
	if v := s.View("1"); v != (View[page]{}) || s.Forget("1") {
		w.Errorf("a store that cannot work shows %v", v)
	}
	return err
}

func boom(now bool) {
	if now {
		panic("boom")
	}
}

// What the program defines may panic at any time: in a rebase, in a callback, in a
// comparison. Nothing gets stuck, and others go on.
func TestLaw28_APanicInADefinitionHarmsNobody(t *testing.T) {
	pushed := func(p page) { // what is folded must be pure, so it panics for a value
		boom(p.Comments != "")
	}
	for name, define := range map[string]func(armed *bool, d *Mutation[page, string]){
		"slot": func(armed *bool, d *Mutation[page, string]) {
			d.Slot = func(string) string { boom(*armed); return "title" }
		},
		"clone": func(armed *bool, d *Mutation[page, string]) {
			d.Clone = func(s string) string { boom(*armed); return s }
		},
		"user": func(armed *bool, d *Mutation[page, string]) {
			d.User = func(string) string { boom(*armed); return "me" }
		},
		"guard": func(_ *bool, d *Mutation[page, string]) {
			d.Guard = func(p page, _ string) error { pushed(p); return nil }
		},
		"resolve": func(armed *bool, d *Mutation[page, string]) {
			d.Resolve = func(Conflict[page, string]) Decision[string] { panic("boom") }
		},
		"next": func(armed *bool, d *Mutation[page, string]) {
			d.Policy.Retry.Next = func(int, error) (time.Duration, bool) { panic("boom") }
		},
		"apply": func(armed *bool, d *Mutation[page, string]) {
			apply := d.Apply
			d.Apply = func(p page, s string) (page, error) { pushed(p); return apply(p, s) }
		},
		"send": func(armed *bool, d *Mutation[page, string]) {
			send := d.Send
			d.Send = func(ctx context.Context, c Call[string]) (Truth[page], error) { boom(*armed); return send(ctx, c) }
		},
		"callback": func(armed *bool, d *Mutation[page, string]) { d.OnSuccess = func(string, Result) { panic("boom") } },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				armed := false
				def := w.renaming("bad")
				define(&armed, &def)
				bad := Register(w.pages, def)
				w.server.next("1", reply{before: time.Second, fails: errBusy}, conflict(errNo))
				first := do(w, bad, "1", "a")
				synctest.Wait()
				armed = true
				bad.Execute(w.ctx, "1", "b")
				w.m.Snapshot()
				w.m.Subscribe(SubscribeOptions{}).Close()
				w.receive("1", w.server.put("1", page{Comments: "c"}))
				other := w.tap("1", "me")
				w.flush()
				w.result(first)
				w.outcome(other, Confirmed)
				w.settledTruth("1")
			})
		})
	}
}

func TestLaw28_APanicInAStoreHarmsNobody(t *testing.T) {
	for name, option := range map[string]StoreOptions[page]{
		"lane":  {Lane: func(string) string { panic("boom") }},
		"equal": {Equal: func(a, b page) bool { boom(a != b); return true }}, // as good as "they differ"
		"none":  {},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, instant, func(t *testing.T, w *world) {
				s := NewStore(w.m, "bad", option)
				def := w.renaming("bad")
				bad := Register(s, def)
				if err := s.Receive("1", TruthOf(page{}, 1)); err != nil {
					t.Fatal(err)
				}
				h := do(w, bad, "1", "x")
				do(w, bad, "2", "y")
				equal(t, "shown", s.View("1").Value.Title, "x")
				w.flush()
				w.outcome(h, Confirmed)
			})
		})
	}
}
