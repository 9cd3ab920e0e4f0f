package optimisttest

import "github.com/optimist-go/optimist"

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
					tb.Errorf("%s with %+v, then %s with %+v, of %s ends as %s, but merged as %s%s",
						first.Type, a, second.Type, b, start, want, got, advice(first, second, verdict, start.there))
				}
			}
		}
	}
}

// advice says what is to be left out, when the first of the two is a creation.
func advice[T, A, B any](first optimist.Mutation[T, A], second optimist.Mutation[T, B], verdict optimist.MergeRule, there bool) string {
	switch {
	case first.Kind != optimist.Create:
		return ""
	case !there && verdict == optimist.TakeSecond && second.Kind == optimist.Change:
		return "; without the creation there is nothing to change: leave out " + second.Type + " (TakeFirst), with its arguments in those of " + first.Type
	case there && verdict == optimist.Annihilate:
		return "; if " + first.Type + " never finds the entity there, leave out the Values of these Pairs"
	case !there && verdict == optimist.TakeFirst && second.Kind == optimist.Change:
		return "; leave " + second.Type + " out only with its arguments in those of " + first.Type
	}
	return ""
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
