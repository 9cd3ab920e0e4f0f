package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/optimist-go/optimist"
)

// undo is a tap that was taken back.
type undo struct {
	h, by   string // operations; the same: it was taken out
	before  string // the slot's state that its user saw before the tap
	sent    bool   // a call had left
	settled bool
	after   int // operations that its client had made by then
}

// inverse is the operation that takes one back, as its type declares it.
func (l *life) inverse(typ string) func(optimist.Undone[Post, Args]) optimist.Planned {
	return func(u optimist.Undone[Post, Args]) optimist.Planned {
		a := Args{Key: u.Args.Key, Back: true}
		switch text, was := u.Before.Comments[a.Key]; {
		case typ == like:
			a.On = u.Before.Flags[a.Key]
			return u.Plan(a)
		case typ == title:
			a.Text = u.Before.Title
			return u.Plan(a)
		case typ == create && was, typ == edit && was: // an edit that was merged with a creation is one
			a.Text = text
			return l.edit.Plan(u.Entity, a)
		case typ == create:
			return l.remove.Plan(u.Entity, a)
		case typ == remove && was:
			a.Text = text
			return l.create.Plan(u.Entity, a)
		}
		return optimist.Planned{} // it has none
	}
}

// undoable are the types that declare an inverse; stars have one.
var undoable = []string{like, star, title, create, edit, remove}

// slotState is the state of an operation's slot in a post, for people and for comparisons.
func (o *op) slotState(p Post) string {
	switch o.typ {
	case like, star:
		return fmt.Sprint(p.Flags[o.args.Key])
	case title:
		return p.Title
	}
	text, there := p.Comments[o.args.Key]
	return fmt.Sprint(text, there)
}

// wish is the state of the slot that an operation asks for.
func (o *op) wish() string { return o.slotState(effect(o.typ, Post{}, o.args)) }

// found notes what the user saw before a tap.
func (l *life) found(h *optimist.Handle, view optimist.View[Post]) {
	if h == nil || !contains(undoable, h.Type()) {
		return
	}
	l.c.w.mu.Lock()
	defer l.c.w.mu.Unlock()
	if o := l.c.ops[h.ID()]; o != nil && !o.found {
		o.found, o.before = true, o.slotState(view.Value)
	}
}

// undoes takes one of the latest taps back.
func (l *life) undoes(n int) {
	c, w, ctx := l.c, l.c.w, context.Background()
	if len(l.handles) == 0 {
		return
	}
	h := l.handles[len(l.handles)-1-n%min(len(l.handles), 6)]
	old := contains(l.handles[:l.inherited], h)
	w.mu.Lock()
	l.look()
	o, made := c.ops[h.ID()], c.order
	was := l.undone[h.ID()]
	w.mu.Unlock()
	if o == nil {
		return
	}
	s, view := h.Snapshot(), l.view(o)
	by, err := h.Undo(ctx)
	again, err2 := h.Undo(ctx)
	if err == nil && by != h {
		l.took(by, nil)
	} else if err != nil && !errors.Is(err, optimist.ErrInvalid) {
		l.took(nil, err)
	}
	after := l.view(o)
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.look(); l.dead {
		return
	}
	name := w.name(h.ID())
	w.trace("%s undoes %s: %v, by %s", c, name, err, w.name(by.ID()))
	w.stats.Undone++
	unsent := s.State == optimist.Waiting && s.Calls == 0
	nothing := o.outcome == optimist.RolledBack || o.outcome == optimist.Cancelled
	holds := view.Presence != optimist.Present || !contains(undoable, o.typ) || o.slotState(view.Value) == o.wish()
	switch {
	case !contains(undoable, o.typ):
		if !errors.Is(err, optimist.ErrInvalid) {
			w.fail("%s: %s, which declares no inverse, is undone: %v", c, name, err)
		}
		return
	case err == nil && (err2 != nil || by != again && !c.cameToNothing(by)):
		w.fail("%s: %s is undone twice: %v, %v", c, name, by.ID(), err2)
	case was != nil && l.stillUndone(h.ID()) && by != was:
		w.fail("%s: %s is undone by %v (%v), and before by %s", c, name, by.ID(), err, w.name(was.ID()))
	case was != nil && by == was:
		return
	case s.State == optimist.Ended && nothing && by != h:
		w.fail("%s: %s came to nothing, and is undone by %s: %v", c, name, by.ID(), err)
	case s.State == optimist.Ended && nothing:
		return
	case errors.Is(err, optimist.ErrSettled) && (!old && !l.cleared && len(l.handles) < 100 || s.State != optimist.Ended):
		w.fail("%s: %s of this life cannot be undone: %v", c, name, err)
	case errors.Is(err, optimist.ErrSettled):
		return
	case errors.Is(err, optimist.ErrChangedSince) && holds && view.Presence == optimist.Present:
		w.fail("%s: %s is not undone, though its slot is as it wanted: %v", c, name, err)
	case err == nil && !holds && !unsent && s.State != optimist.Parked:
		w.fail("%s: %s is undone, though its slot is as somebody else wanted", c, name)
	}
	if err != nil {
		return
	}
	l.undone[h.ID()] = by
	if s.State == optimist.Parked { // it is discarded, also one that had taken another's place
		if o.outcome != optimist.Cancelled {
			w.fail("%s: %s was parked, was undone, and is %v", c, name, o.outcome)
		}
		return
	}
	u := undo{h.ID(), by.ID(), o.before, s.Calls > 0, s.State == optimist.Ended, made}
	if old { // the state under it is the wish before, and may have it already
		return
	}
	if !o.found || !w.stays(o.entity) || !o.private(c) || c.undidOthers(u, o) || slices.ContainsFunc(c.slotOps(o), c.vanished) {
		return
	}
	c.undos = append(c.undos, u)
	if got := o.slotState(after.Value); got != o.before {
		w.fail("%s: %s is undone, and %s is %s, before it was %s", c, name, o.slot(), got, o.before)
	}
}

// private reports whether nobody else writes the slot of an operation.
func (o *op) private(c *Client) bool { return o.typ != title && o.args.Key != "like shared" }

// cameToNothing reports whether an operation ended without effect.
func (c *Client) cameToNothing(h *optimist.Handle) bool {
	o := c.ops[h.ID()]
	return o != nil && o.settled > 0 && (o.outcome == optimist.RolledBack || o.outcome == optimist.Cancelled)
}

// stillUndone reports whether the operation that undid another has neither come to nothing nor been
// undone itself.
func (l *life) stillUndone(id string) bool {
	by := l.undone[id]
	if by == nil || by.ID() == id || l.c.cameToNothing(by) {
		return false
	}
	return !l.stillUndone(by.ID())
}

// undidOthers reports whether something else may have changed the slot of an undone operation since its
// tap: a later operation, or an earlier one that came to nothing.
func (c *Client) undidOthers(u undo, o *op) bool {
	for _, other := range c.ops {
		if other.id == u.h || other.id == u.by || other.entity != o.entity || other.slot() != o.slot() {
			continue
		}
		if other.nth > o.nth || other.lost || other.settled > 0 && other.outcome != optimist.Confirmed && other.outcome != optimist.Superseded {
			return true
		}
	}
	return false
}

// undos compares the slots of undone operations with their state before: to execute and to undo is never to have tapped.
func (w *World) undos(c *Client) {
	for _, u := range c.undos {
		o, by := c.ops[u.h], c.ops[u.by]
		if o == nil || by == nil || c.refused {
			continue
		}
		done, denied := w.server.done[u.h] != nil, w.server.denied[u.h]
		switch {
		case o == by && !u.sent && done && o.settled == 1:
			w.fail("%s: %s was undone before it left, and done", c, w.name(u.h))
		case o != by && u.sent && !u.settled && o.refusedForGood && w.server.done[u.by] != nil && !denied:
			w.fail("%s: %s was refused for good, and %s was done, which undid it", c, w.name(u.h), w.name(u.by))
		case o != by && u.sent && !u.settled && done && !denied && !w.server.belated[u.h] && by.settled == 1 && by.wentAlong():
			w.fail("%s: %s was done, and %s, which undoes it, was not sent", c, w.name(u.h), w.name(u.by))
		case c.undidOthers(u, o), o == by && (done || u.sent), slices.ContainsFunc(c.slotOps(o), c.doubtful):
		case o != by && !by.confirmed && (!u.sent || done || by.outcome != optimist.RolledBack || c.tookPlace(o)): // the wish before is lost as well
		default:
			w.stats.UndoneForGood++
			if got := o.slotState(w.server.posts[o.entity].value); got != u.before {
				w.fail("%s: %s was undone by %s, and %s is %s, before it was %s", c, w.name(u.h), w.name(u.by), o.slot(), got, u.before)
			}
		}
	}
}

// tookPlace reports whether an operation has superseded another.
func (c *Client) tookPlace(o *op) bool {
	for _, other := range c.ops {
		if other.successor == o.id {
			return true
		}
	}
	return false
}

// wentAlong reports whether an operation ended because one on which it depends had failed.
func (o *op) wentAlong() bool {
	return slices.ContainsFunc(o.results, func(r optimist.Result) bool { return errors.Is(r.Err, optimist.ErrDependency) })
}

// slotOps are the operations of a client in the slot of one.
func (c *Client) slotOps(o *op) (all []*op) {
	for _, other := range c.ops {
		if other.entity == o.entity && other.slot() == o.slot() {
			all = append(all, other)
		}
	}
	return all
}

// doubtful reports whether an operation's client cannot know its effect.
func (c *Client) doubtful(o *op) bool {
	return o.lost || o.settled == 0 || o.way.reached && !o.confirmed || c.w.server.denied[o.id] || c.w.server.belated[o.id] || c.w.server.vanished[o.id]
}
