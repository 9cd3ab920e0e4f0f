package optimist

import (
	"context"
	"fmt"
	"testing"
)

// What has ended is forgotten also beside something that waits for long.

func TestLaw25_WhatHasEndedIsForgottenBesideWhatWaits(t *testing.T) {
	none := func() func() { return nil }
	send := func(context.Context) error { return nil }
	update := func(typ, entity string) Update { return Update{Type: typ, Entity: entity, Apply: none, Send: send} }
	on := false
	toggle := ToggleUpdate{
		Type: "like", Entity: "1", Current: func() bool { return on },
		Apply: func(to bool) func() { was := on; on = to; return func() { on = was } },
		Send:  func(_ context.Context, on bool) (bool, error) { return on, nil },
	}
	for name, c := range map[string]struct {
		online bool
		step   func(m *Manager, i int, waits *Handle) (*Handle, error)
	}{
		"entities, offline": {false, func(m *Manager, i int, _ *Handle) (*Handle, error) {
			return m.Execute(t.Context(), update("b", fmt.Sprint(i)))
		}},
		"dependents": {false, func(m *Manager, _ int, waits *Handle) (*Handle, error) {
			return m.Execute(t.Context(), update("b", "1"), waits)
		}},
		"toggles behind a parked one": {true, func(m *Manager, _ int, _ *Handle) (*Handle, error) {
			return m.ExecuteToggle(t.Context(), toggle)
		}},
		"updates behind a parked one": {true, func(m *Manager, _ int, _ *Handle) (*Handle, error) {
			return m.Execute(t.Context(), update("b", "1"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := must(New(Options{MaxPerEntity: 10, Policy: Policy{Debounce: Debounce{Wait: NoDebounce}}}))(t)
			is(t, m.SetOnline(c.online), nil)
			first := update("a", "1")
			first.Policy.Failure = Park
			first.Send = func(context.Context) error { return errNever }
			waits := must(m.Execute(t.Context(), first))(t)
			if c.online {
				is(t, m.Flush(t.Context()), nil)
			}
			many := func(n int) {
				for i := range n {
					h := must(c.step(m, i, waits))(t)
					if c.online {
						must(h.Wait(t.Context()))(t)
					}
					h.Cancel()
				}
			}
			many(100)
			before := heapInUse()
			many(5000)
			if grown := heapInUse() - before; grown > 64<<10 {
				t.Errorf("the heap grew by %d KiB", grown>>10)
			}
			equal(t, "pending", m.PendingCount("1"), 1)
			is(t, waits.Cancel(), nil)
			is(t, m.Close(t.Context()), nil)
		})
	}
}

// What came to naught is not undone and applied again when something before it is
// undone; what is shown is the same.
func TestLaw19_ClosuresThatCameToNaughtAreForgotten(t *testing.T) {
	for taps, want := range [][2]int{{0, 0}, {1, 2}, {0, 0}, {1, 2}} { // shown; closures run for the discard
		t.Run(fmt.Sprint(taps), func(t *testing.T) {
			inWorld(t, parking(), func(t *testing.T, w *world) {
				shown, runs := 0, 0
				w.server.next("1", reply{fails: errNever})
				parked := must(w.m.Execute(w.ctx, w.update("add", "1", func() func() {
					shown += 10
					return func() { shown -= 10 }
				})))(t)
				w.flush()
				like := w.toggle("1")
				like.Current = func() bool { return shown%10 == 1 }
				like.Apply = func(on bool) func() {
					step := -1
					if on {
						step = 1
					}
					shown, runs = shown+step, runs+1
					return func() { shown, runs = shown-step, runs+1 }
				}
				for range taps {
					must(w.m.ExecuteToggle(w.ctx, like))(t)
					w.flush()
				}
				runs = 0
				is(t, parked.Discard(), nil)
				w.flush()
				equal(t, "shown, runs", [2]int{shown, runs}, want)
				equal(t, "on the server", w.server.likes("1"), shown == 1)
			})
		})
	}
}

func TestLaw24_ConfirmedClosuresBehindAnUnsettledOneAreBounded(t *testing.T) {
	opts := parking()
	opts.MaxPerEntity = 3
	inWorld(t, opts, func(t *testing.T, w *world) {
		w.server.next("1", reply{fails: errNever})
		parked := must(w.m.Execute(w.ctx, w.update("add", "1", func() func() { return nil })))(t)
		w.flush()
		applied := make(map[string]int)
		for _, typ := range []string{"a", "b", "c", "d", "e"} {
			must(w.m.Execute(w.ctx, w.update(typ, "1", func() func() { applied[typ]++; return nil })))(t)
			w.flush()
		}
		is(t, parked.Discard(), nil)
		w.flush()
		equal(t, "applied", applied, map[string]int{"a": 1, "b": 1, "c": 2, "d": 2, "e": 2})
	})
}
