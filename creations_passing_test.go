package optimist_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
)

// Whether a deletion waits behind what is held is decided again when the creation on which
// it stands comes into doubt, and when the server has it: then it waits for the person.
func TestLaw36_WhatIsHeldIsDecidedAgainWhenACreationIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := must(optimist.New(optimist.Options{Policy: optimist.Policy{Debounce: optimist.Debounce{Wait: optimist.NoDebounce}, Failure: optimist.Park}}))(t)
		s := optimist.NewStore[note](m, "note")
		var calls []string
		add := func(typ string, kind optimist.Kind, slot func(edit) string) *optimist.Action[note, edit] {
			return optimist.Register(s, optimist.Mutation[note, edit]{
				Type: typ, Kind: kind, Family: "note", Slot: slot,
				Apply: func(n note, e edit) (note, error) { n.Text = e.Text; return n, nil },
				Send: func(_ context.Context, c optimist.Call[edit]) (truth optimist.Truth[note], err error) {
					calls = append(calls, typ)
					switch {
					case typ == "create":
						err = optimist.Fail(optimist.Permanent, errors.New("no"))
					case typ == "make" && c.Number == 1:
						err = optimist.Fail(optimist.Unknown, errors.New("lost"))
					}
					return truth, err
				},
			})
		}
		text := func(edit) string { return "text" }
		create, again := add("create", optimist.Create, text), add("make", optimist.Create, nil)
		change, remove := add("edit", optimist.Change, text), add("delete", optimist.Delete, nil)
		do := func(a *optimist.Action[note, edit]) *optimist.Handle {
			return must(a.Execute(t.Context(), "1", edit{"x"}))(t)
		}
		do(create)
		time.Sleep(time.Second)
		do(again)
		do(change)
		removed := do(remove)
		time.Sleep(time.Minute)
		if removed.State() != optimist.Waiting || len(calls) != 3 {
			t.Errorf("the deletion is %v, calls %q", removed.State(), calls)
		}
		m.ClearAll()
		m.Close(t.Context())
	})
}
