package server

import "context"

// Decision carries out groups of operations in one transaction and few round trips. It is
// the fast one of the two shapes: its rate does not depend on how long a round trip takes.
//
// For each group Read is called once, then Decide for each operation, in order, then Write.
// S is what the group knows of the program's rows: each Decide sees what those before it
// have changed in it.
type Decision[S any] struct {
	// Read queues the reading of all rows that the operations may need, and returns what
	// the rows are put into.
	Read func(r Reads, ops []Op) S
	// Decide changes s as the operation wants, or refuses it (see [Refusal], [Already])
	// and leaves s as it is. It is pure: the same s and op give the same result.
	Decide func(s S, op Op) error
	// Write queues the writing of all that has changed in s.
	Write func(w Writes, s S)
}

// Decide registers operations that are carried out by the decision. All names are to be
// registered before the first operation.
func Decide[S any](k *Kit, d Decision[S], named ...Named) {}

// Named is an operation's name, with the type of its arguments and the entities that it
// names. Make one with [Name].
type Named struct{}

// Name describes the operation. entities names those that the operation may change or
// that its decision depends on: at least one, the first one being that whose truth answers.
func Name[A any](name string, entities func(A) []string) Named { panic("later") }

// Run registers an operation that is carried out by a function in a transaction of its
// own. Use it where the function has to look at one row to know which to read next;
// otherwise [Decide] is several times as fast.
//
// The entities are locked before run is called. When it returns nil each of their versions
// grows by one; see [Already] and [Refusal] for the other results.
func Run[A any](k *Kit, named Named, run func(ctx context.Context, tx Tx, op Op, args A) error) {}
