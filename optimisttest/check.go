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
}

// CheckMutation tries a mutation on samples, and reports
//
//   - a definition that cannot be registered, arguments that cannot be copied included
//   - an Apply, Guard or Slot that changes its input, or gives two outputs for one
//   - an Apply that is not idempotent in its slot: applying it twice must give the same
//     as once, because the truth under it may contain the operation already. Operations
//     without a slot are not tried, but the advice holds for them as well
//   - a creation whose Apply overwrites fields that only the server knows: truth may lie
//     under it, because an answer was lost or a push came first. A field that the
//     creation does not set on an absent entity must stay unchanged on a present one
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
			checkApply(tb, def, value, args)
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

func checkApply[T, A any](tb TB, def optimist.Mutation[T, A], value T, args A) {
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
	if err != nil || def.Slot == nil {
		return
	}
	result := fingerprint(once)
	twice, err := def.Apply(once, args)
	switch {
	case fingerprint(once) != result:
		tb.Errorf("%s: Apply changes its input when it is applied again: %s became %s", def.Type, result, fingerprint(once))
	case err != nil:
		tb.Errorf("%s: Apply refuses to be applied again to %s with %s: %v; make sure of a state instead", def.Type, v, a, err)
	case fingerprint(twice) != result:
		tb.Errorf("%s: Apply is not idempotent: of %s with %s it makes %s, and applied again %s; make sure of a state instead",
			def.Type, v, a, result, fingerprint(twice))
	}
}

// checkCreation finds fields of truth that a creation hides.
func checkCreation[T, A any](tb TB, def optimist.Mutation[T, A], s Samples[T, A]) {
	tb.Helper()
	var nothing T
	var made []reflect.Value // from an absent entity
	for _, args := range s.Args {
		if v, err := def.Apply(nothing, args); err == nil {
			made = append(made, reflect.ValueOf(v))
		}
	}
	for _, args := range s.Args {
		for _, value := range s.Values {
			over, err := def.Apply(value, args)
			if err != nil {
				continue
			}
			if field := hidden(reflect.ValueOf(value), reflect.ValueOf(over), made); field != "" {
				tb.Errorf("%s: Apply hides%s of truth that is there already: of %s with %s it makes %s; change only the fields that the arguments say",
					def.Type, field, fingerprint(value), fingerprint(args), fingerprint(over))
				return
			}
		}
	}
}

// hidden returns the name of a field of truth that a creation never sets and yet
// overwrites; empty if there is none.
func hidden(truth, over reflect.Value, made []reflect.Value) string {
	if truth.Kind() != reflect.Struct {
		return ""
	}
	for i := range truth.NumField() {
		name := " field " + truth.Type().Field(i).Name
		set := false
		var inner []reflect.Value
		for _, m := range made {
			set = set || !m.Field(i).IsZero()
			inner = append(inner, m.Field(i))
		}
		if !set && !truth.Field(i).IsZero() && over.Field(i).IsZero() {
			return name
		}
		if found := hidden(truth.Field(i), over.Field(i), inner); found != "" {
			return name + "," + found
		}
	}
	return ""
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

// Pairs are the values and arguments on which a merge rule is tried: every value with
// every two arguments that share a slot. An absent entity is tried as well.
type Pairs[T, A, B any] struct {
	Values []T
	First  []A
	Second []B
}

// CheckMerge tries a merge rule on pairs, and reports a rule whose result differs from
// sending both operations. It also reports a rule that is not pure.
func CheckMerge[T, A, B any](tb TB, first optimist.Mutation[T, A], second optimist.Mutation[T, B],
	rule func(*A, *B) optimist.MergeRule, p Pairs[T, A, B],
) {
	tb.Helper()
	if first.Slot == nil || second.Slot == nil {
		tb.Errorf("%s and %s both need a Slot", first.Type, second.Type)
		return
	}
	starts := []state[T]{{}}
	for _, v := range p.Values {
		starts = append(starts, state[T]{there: true, value: v})
	}
	for _, a := range p.First {
		for _, b := range p.Second {
			if first.Slot(a) != second.Slot(b) {
				continue
			}
			was := fingerprint(a) + fingerprint(b)
			mergedA, mergedB := copied(first, a), copied(second, b)
			verdict := rule(&mergedA, &mergedB)
			againA, againB := copied(first, a), copied(second, b)
			if fingerprint(a)+fingerprint(b) != was {
				tb.Errorf("merging %s with %s changes memory of its arguments in place; this can only be tried with a Clone", first.Type, second.Type)
				return
			}
			if v := rule(&againA, &againB); v != verdict || fingerprint(againA) != fingerprint(mergedA) || fingerprint(againB) != fingerprint(mergedB) {
				tb.Errorf("merging %s with %s is not pure for %+v and %+v", first.Type, second.Type, a, b)
				continue
			}
			for _, start := range starts {
				between, ok := then(start, first, a)
				if !ok {
					continue
				}
				want, ok := then(between, second, b)
				if !ok {
					continue
				}
				got := start
				switch verdict {
				case optimist.TakeSecond:
					got, ok = then(start, second, mergedB)
				case optimist.TakeFirst:
					got, ok = then(start, first, mergedA)
				case optimist.Separate:
					got = want
				}
				if !ok || got.String() != want.String() {
					tb.Errorf("%s with %+v, then %s with %+v, of %s ends as %s, but merged as %s",
						first.Type, a, second.Type, b, start, want, got)
				}
			}
		}
	}
}

func copied[T, A any](def optimist.Mutation[T, A], args A) A {
	if def.Clone != nil {
		return def.Clone(args)
	}
	return args
}

// state is the state of an entity, present or absent.
type state[T any] struct {
	there bool
	value T
}

func (s state[T]) String() string {
	if !s.there {
		return "nothing"
	}
	return fingerprint(s.value)
}

// then is the state after an operation; ok is false when it would be refused.
func then[T, A any](s state[T], def optimist.Mutation[T, A], args A) (after state[T], ok bool) {
	if !s.there && def.Kind != optimist.Create {
		return s, false
	}
	if def.Guard != nil && s.there && def.Guard(s.value, args) != nil {
		return s, false
	}
	if def.Kind == optimist.Delete {
		return state[T]{}, true
	}
	value, err := def.Apply(s.value, args)
	if err != nil {
		return s, false
	}
	return state[T]{there: true, value: value}, true
}
