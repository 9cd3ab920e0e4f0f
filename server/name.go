package server

import (
	"context"
	"fmt"
)

// Named is the name of an operation, with the type of its arguments and a function that
// returns its entities. Make one with [Name].
type Named struct {
	name string
	// takes reports whether the arguments are of the right type.
	takes func(args any) bool
	// entities returns the ids of the entities for arguments of the right type.
	entities func(args any) []string
}

// Name describes an operation. entities returns the ids of the entities that the
// operation may change or that its decision depends on. There is at least one; the answer
// to the operation leads with the truth of the first. entities is pure.
//
// Payloads are told apart by the JSON of the arguments. A field that a later version of the
// program adds to A has to be left out of the JSON while it is zero (omitzero): otherwise
// requests that were carried out by the earlier version and are repeated to the later one
// are refused, because their payloads differ.
func Name[A any](name string, entities func(A) []string) Named {
	return Named{
		name:     name,
		takes:    func(args any) bool { _, ok := args.(A); return ok },
		entities: func(args any) []string { return entities(args.(A)) },
	}
}

// operation is a registered operation.
type operation struct {
	Named
	// carryOut carries the flight out and lands it, or hands it to a queue that does. ctx
	// ends with the Kit.
	carryOut func(ctx context.Context, f *flight)
}

// register panics when the name is empty or taken: the program is at fault, at its start.
func (k *Kit) register(n Named, carryOut func(ctx context.Context, f *flight)) {
	if n.name == "" || n.entities == nil {
		panic("server: an operation has no name: make it with server.Name")
	}
	if k.operations[n.name] != nil {
		panic(fmt.Sprintf("server: the operation %q is registered twice", n.name))
	}
	k.operations[n.name] = &operation{Named: n, carryOut: carryOut}
}
