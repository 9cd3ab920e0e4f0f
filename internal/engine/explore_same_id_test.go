package engine

import (
	"slices"
	"testing"
)

// TestExploreSameID walks through what can happen when two creations make one and the same
// record, to which the server tells both: answers in any order, pushes, taps by every name,
// cancelling and crashes. In the end all names find one entity, which shows what the server holds.
func TestExploreSameID(t *testing.T) {
	all := slices.DeleteFunc(namings(), func(c choice[*registrar]) bool {
		return slices.Contains([]string{"refer", "drop", "call 0: permanent", "call 1: permanent"}, c.name)
	})
	add := func(name string, enabled func(*registrar) bool, do func(*registrar) error) {
		all = append(all, choice[*registrar]{name, enabled, do})
	}
	add("make the same", func(w *registrar) bool { return w.make != nil && w.second == nil }, func(w *registrar) error {
		w.second = &Op{Type: namingMake}
		return w.execute("u", w.second)
	})
	add("like the second", func(w *registrar) bool { return w.second != nil }, func(w *registrar) error { return w.like("u") })
	explore(t, newRegistrar, all, *exploreTime/8)
}
