package optimist

import (
	"context"
	"time"
)

// Call tells a Send function about its operation.
type Call[A any] struct {
	// ID is the operation's idempotency key: the same on every attempt and after a
	// restart. The arguments that are sent under one ID never change.
	ID string
	// Entity is its id within its store, such as "42": the server's id, where it makes the
	// ids. Empty for a group, and for the creation of an entity whose id the server has
	// still to make.
	Entity string
	// Refs are the ids at the server of the entities that Mutation.Refs has listed, in that
	// order; an id is empty where Entity would be.
	Refs []string
	Args A
	User string
	// Number counts from 1.
	Number int
	// At is the time of the tap, ClientID the client that made it. A
	// server compares them to find the last writer.
	At       Timestamp
	ClientID string
	// InDoubt is how long ago the first attempt left of which nobody knows whether the server
	// carried it out, by the wall clock; 0: there is none. A server that forgets keys sooner has
	// to refuse the call: it may have carried out the operation, and forgotten it.
	InDoubt time.Duration
	// BaseVersion is the version of the truth held when the attempt left, 0 without. BaseOf
	// gives its value.
	BaseVersion uint64

	flight *flight // nil: of none, such as one that a test has made
}

// Progress tells how far the call has come: done of total (0: not known), in units of the
// program's own. An upload that tells it can last longer than Retry.Timeout, which begins anew
// with each report, up to Retry.MaxTimeout; then its context ends. So report progress of
// the transfer, not that time goes by. Handle.Progress tells the latest report, and
// events of kind [event.Progressed] at most ten a second. It costs little, and can be called from
// any goroutine; after the call it does nothing.
//
// A Send that has taken over the deadline of the context, as for a connection, has to do
// so again after a report.
func (c Call[A]) Progress(done, total int64) { c.flight.report(done, total) }

// BaseOf is the value of the truth held when the attempt left: the ground on which the call
// stands, without the operations that are still unsettled. An unlike finds there the id of
// the record that the answer to the like has told. ok is false when the entity was not
// present in that truth, or was of another type; and for the call of a group, which has no
// one entity. The value is shared: it must not be changed in place.
func BaseOf[T, A any](c Call[A]) (value T, ok bool) {
	if c.flight != nil {
		value, ok = c.flight.base.(T)
	}
	return value, ok
}

func callOf[A any](f *flight) Call[A] {
	o := &f.h.op
	c := Call[A]{
		ID: f.h.id(f.restored), Args: *o.Args.(*A), Number: f.n,
		At: Timestamp(o.Timestamp), ClientID: f.h.m.opts.ClientID, InDoubt: f.inDoubt, BaseVersion: f.version, Refs: f.refs, flight: f,
	}
	if f.typ.parts == nil {
		c.Entity = f.entity
	}
	if f.typ.user != nil {
		c.User = f.typ.user(o.Args)
	}
	return c
}

// CallInfo is the answer of [CallFrom]: a Call without the fields that depend on a type.
type CallInfo struct {
	ID       string // the idempotency key; see Call
	Type     string
	Entity   string // its full name at the server, such as "post:42"; the first of a group
	Number   int    // counts from 1
	At       Timestamp
	ClientID string
	InDoubt  time.Duration // see Call

	flight *flight
}

// Progress tells how far the call has come; see Call.Progress.
func (c CallInfo) Progress(done, total int64) { c.flight.report(done, total) }

// CallFrom tells to which operation and attempt ctx belongs: the context of a Send, or
// one made from it. This is how a Send of closures learns its idempotency key and tells
// its progress, and how a transport can set headers for all calls of a program. It is
// false for any other context.
func CallFrom(ctx context.Context) (call CallInfo, ok bool) {
	if ctx == nil {
		return CallInfo{}, false
	}
	f := flightOf(ctx)
	if f == nil {
		return CallInfo{}, false
	}
	return CallInfo{
		ID: f.h.id(f.restored), Type: f.typ.Name, Entity: f.space.FullName(f.entity), Number: f.n,
		At: f.h.Timestamp(), ClientID: f.h.m.opts.ClientID, InDoubt: f.inDoubt, flight: f,
	}, true
}

// id is the operation's, with restored as the id that it had in an earlier life, if any.
// It needs no lock: the fields that it reads were set before an attempt.
func (h *Handle) id(restored string) string {
	if restored != "" {
		return restored
	}
	return h.m.engine.IDOf(h.op.Seq())
}
