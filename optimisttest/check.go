package optimisttest

import (
	"context"
	"reflect"

	"github.com/optimist-go/optimist"
)

// Samples are the values and arguments on which a definition is tried: every value with
// every argument.
type Samples[T, A any] struct {
	Values []T
	Args   []A
	// Contains says that the server's truth names the operations that it contains
	// (Truth.Contains), wherever it comes from. Then operations without a slot need not be
	// idempotent: "one more" twice is two more.
	Contains bool
}

// CheckMutation tries a mutation on samples, and reports
//
//   - a definition that cannot be registered, arguments that cannot be copied included
//   - an Apply, Guard or Slot that changes its input, or gives two outputs for one
//   - an Apply that appends to a slice of its input, which then has the memory of its
//     output
//   - an Apply that is not idempotent: applying it twice must give the same as once,
//     because the truth under it may contain the operation already. Of operations without a
//     slot Samples.Contains asks for less
//   - a creation whose Apply overwrites truth that only the server knows: truth may lie
//     under it, because an answer was lost or a push came first. A field that the
//     creation does not set on an absent entity must stay unchanged on a present one, and so
//     must a value that is no struct
//   - a Fulfilled that returns false for a result of Apply
//   - a Clone whose copy differs, or shares memory with the original
//   - a Stored whose Decode does not restore the arguments of Encode
//
// Samples that the Guard or Apply refuses are fine.
func CheckMutation[T, A any](tb TB, def optimist.Mutation[T, A], s Samples[T, A]) {
	tb.Helper()
	if err := registers(def); err != nil {
		tb.Errorf("%v", err)
		return
	}
	for _, args := range s.Args {
		checkArgs(tb, def, args)
		for _, value := range s.Values {
			checkApply(tb, def, value, args, s.Contains)
		}
	}
	if def.Kind == optimist.Create {
		checkCreation(tb, def, s)
	}
}

// registers tries a definition in a manager of its own.
func registers[T, A any](def optimist.Mutation[T, A]) error {
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		return err
	}
	defer m.Close(context.Background())
	if def.Send == nil { // a definition may be checked without its transport
		def.Send = func(context.Context, optimist.Call[A]) (t optimist.Truth[T], err error) { return t, nil }
	}
	optimist.Register(optimist.NewStore[T](m, "sample"), def)
	return m.Err()
}

func checkArgs[T, A any](tb TB, def optimist.Mutation[T, A], args A) {
	tb.Helper()
	before := fingerprint(args)
	if def.Slot != nil {
		first, again := def.Slot(args), def.Slot(args)
		switch {
		case first != again:
			tb.Errorf("%s: Slot is not pure: %q and then %q for %+v", def.Type, first, again, args)
		case first == "":
			tb.Errorf("%s: Slot is empty for %+v", def.Type, args)
		}
	}
	if def.Clone != nil {
		clone := def.Clone(args)
		if got := fingerprint(clone); got != before {
			tb.Errorf("%s: Clone of %s gives %s", def.Type, before, got)
		}
		if path := shared(reflect.ValueOf(args), reflect.ValueOf(clone), "args", nil); path != "" {
			tb.Errorf("%s: Clone shares %s with the original", def.Type, path)
		}
	}
	if def.Stored.Encode != nil && def.Stored.Decode != nil {
		data, err := def.Stored.Encode(args)
		if err != nil {
			tb.Errorf("%s: Encode of %s fails: %v", def.Type, before, err)
			return
		}
		back, err := def.Stored.Decode(def.Stored.Version, data)
		if err != nil {
			tb.Errorf("%s: Decode of %q fails: %v", def.Type, data, err)
		} else if got := fingerprint(back); got != before {
			tb.Errorf("%s: %s comes back from the journal as %s", def.Type, before, got)
		}
	}
	if after := fingerprint(args); after != before {
		tb.Errorf("%s: Slot, Clone or Encode changes its input: %s became %s", def.Type, before, after)
	}
}

func checkApply[T, A any](tb TB, def optimist.Mutation[T, A], value T, args A, contains bool) {
	tb.Helper()
	if def.Kind == optimist.Delete {
		return
	}
	v, a := fingerprint(value), fingerprint(args)
	unchanged := func(by string) bool {
		tb.Helper()
		if got := fingerprint(value); got != v {
			tb.Errorf("%s: %s changes its input: %s became %s", def.Type, by, v, got)
			return false
		}
		if got := fingerprint(args); got != a {
			tb.Errorf("%s: %s changes its arguments: %s became %s", def.Type, by, a, got)
			return false
		}
		return true
	}
	if def.Guard != nil {
		first, again := def.Guard(value, args), def.Guard(value, args)
		if (first == nil) != (again == nil) {
			tb.Errorf("%s: Guard is not pure: %v and then %v for %s with %s", def.Type, first, again, v, a)
		}
		if !unchanged("Guard") || first != nil {
			return
		}
	}
	once, err := def.Apply(value, args)
	if !unchanged("Apply") {
		return
	}
	again, errAgain := def.Apply(value, args)
	if (err == nil) != (errAgain == nil) || err == nil && fingerprint(once) != fingerprint(again) {
		tb.Errorf("%s: Apply is not pure: of %s with %s it makes %s (%v) and then %s (%v)",
			def.Type, v, a, fingerprint(once), err, fingerprint(again), errAgain)
		return
	}
	if err == nil && def.Fulfilled != nil && !def.Fulfilled(once, args) {
		tb.Errorf("%s: Fulfilled says no of %s, which Apply has just made of %s with %s", def.Type, fingerprint(once), v, a)
	}
	if err != nil {
		return
	}
	checkAppend(tb, def, value, args)
	if def.Slot == nil && contains {
		return
	}
	result := fingerprint(once)
	twice, err := def.Apply(once, args)
	switch {
	case fingerprint(once) != result:
		tb.Errorf("%s: Apply changes its input when it is applied again: %s became %s", def.Type, result, fingerprint(once))
	case def.Slot == nil && (err != nil || fingerprint(twice) != result):
		tb.Errorf("%s: Apply is not idempotent, and the operation has no slot: of %s with %s it makes %s, and of truth that contains it %s (%v); "+
			"make sure of a state instead, or let the server name the operations in its truth, and say so by Samples.Contains",
			def.Type, v, a, result, fingerprint(twice), err)
	case err != nil:
		tb.Errorf("%s: Apply refuses to be applied again to %s with %s: %v; make sure of a state instead", def.Type, v, a, err)
	case fingerprint(twice) != result:
		tb.Errorf("%s: Apply is not idempotent: of %s with %s it makes %s, and applied again %s; make sure of a state instead",
			def.Type, v, a, result, fingerprint(twice))
	}
}

// CheckToggle tries a toggle on values for users, and reports the faults of
// [CheckMutation], a Get that does not return the state set by Set, and a Set that
// changes the result of Get for another user. Values that cannot tell users apart need
// one user here.
func CheckToggle[T any](tb TB, def optimist.Toggle[T], values []T, users ...string) {
	tb.Helper()
	if def.Get == nil || def.Set == nil {
		tb.Errorf("%s: Get and Set are required", def.Type)
		return
	}
	s := Samples[T, optimist.Switched]{Values: values}
	for _, user := range users {
		s.Args = append(s.Args, optimist.Switched{User: user, On: true}, optimist.Switched{User: user})
	}
	CheckMutation(tb, optimist.Mutation[T, optimist.Switched]{
		Type:  def.Type,
		Slot:  func(a optimist.Switched) string { return "user " + a.User },
		Guard: def.Guard, Send: def.Send, Policy: def.Policy,
		Apply: func(v T, a optimist.Switched) (T, error) {
			if def.Get(v, a.User) == a.On {
				return v, nil
			}
			return def.Set(v, a.User, a.On), nil
		},
	}, s)
	for _, value := range values {
		for _, a := range s.Args {
			set := def.Set(value, a.User, a.On)
			if def.Get(set, a.User) != a.On {
				tb.Errorf("%s: Get for %q is not %v after Set made it so, in %+v", def.Type, a.User, a.On, value)
			}
			for _, other := range users {
				if other != a.User && def.Get(set, other) != def.Get(value, other) {
					tb.Errorf("%s: Set for %q changes the state of %q, in %+v", def.Type, a.User, other, value)
				}
			}
		}
	}
}
