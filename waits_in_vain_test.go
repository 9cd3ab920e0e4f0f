package optimist

import (
	"errors"
	"testing"
	"time"
)

// TestViewsWithoutIdInsideOfAFunction: misuse that also waits in vain does not hang.
func TestViewsWithoutIdInsideOfAFunction(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		def := w.renaming("inside")
		var took time.Duration
		def.Apply = func(p page, title string) (page, error) {
			if took == 0 {
				began := time.Now()
				w.pages.Views("1", "")
				took = time.Since(began)
			}
			return p, nil
		}
		do(w, Register(w.pages, def), "1", "x")
		if took < patience || took > 2*patience {
			t.Error(took)
		}
	})
}

// eraless is an index that panics at a new era.
type eraless struct{ told []string }

func (e *eraless) Changed(uint64, []EntityChange[page]) { e.told = append(e.told, "changed") }
func (e *eraless) Detached(error)                       { e.told = append(e.told, "detached") }
func (e *eraless) NewEra(uint64)                        { panic("no") }

func TestNothingIsToldAfterDetached(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		is(t, w.m.NewEra(1), nil)
		e := &eraless{}
		w.pages.AddIndex(e)
		equal(t, "told", e.told, []string{"detached"})
	})
}

func TestEditThatWaitsInVain(t *testing.T) {
	inWorld(t, instant, func(t *testing.T, w *world) {
		made := w.creating()
		made.Type, made.ServerID = "named", true
		Register(w.pages, made)
		def := w.renaming("parks")
		def.Policy.Failure = Park
		parks := Register(w.pages, def)
		w.server.next("1", reply{fails: errNever})
		h := do(w, parks, "1", "x")
		w.flush()
		equal(t, "state", h.State(), Parked)
		slow := w.renaming("slow")
		first := true
		slow.Apply = func(p page, _ string) (page, error) {
			if first {
				first = false
				_, err := parks.Edit(h, "y")
				if !errors.Is(err, ErrStuck) {
					t.Errorf("Edit: %v", err)
				}
			}
			return p, nil
		}
		do(w, Register(w.pages, slow), "2", "x")
	})
}
