// Package replay keeps the changes that closures of the program made to state that lives
// elsewhere, and says which of them must be undone and applied again when the engine
// has decided something about their operations.
//
// # Guarantees
//
//   - Changes are undone last first. Surviving changes are applied again in the order in
//     which they were applied.
//   - A [Log] calls no function of the program. It is told the decisions of the engine, and
//     [Log.Next] returns the next act; the caller does it, tells how it went, and asks again.
//   - A call of the program that never comes back (runtime.Goexit) loses nothing: Next
//     goes on after it.
//   - A log does not grow with settled operations: it keeps a settled application only while
//     something before it may be undone, and no more of them than a bound.
//
// # Not guaranteed
//
// A Log is not safe for concurrent use: the goroutine that has the turn of its entity
// uses it. Of an operation it reads only properties that never change after acceptance.
package replay

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// Entry is one application of an operation. Several entries have the same operation when
// that superseded others: undoing it undoes theirs.
type Entry struct {
	Op       *engine.Op
	Apply    func() (rollback func())
	Rollback func() // nil: nothing has to be undone
	// Was is the state that a toggle found in its slot, Wants the one it set; nil: not known.
	Was, Wants any

	settled bool // stays, but must be undone and applied again with earlier ones
}

// Task is one thing that the engine decided. Exactly one of Rewind, Adopt and Settle is
// set.
type Task struct {
	Rewind []engine.Victim // operations that were rolled back

	Adopt *engine.Op               // an operation of which the server told another state
	State any                      // that state
	Apply func() (rollback func()) // brings the state outside to it

	Settle *engine.Op // an operation whose closures need nothing more
	Heir   *engine.Op // the operation that superseded it, or nil
	Mark   int        // the caller's, given back in Act.Mark
}

// Kind is the kind of an Act.
type Kind uint8

const (
	Nothing Kind = iota // until the log is told more
	Undo                // call Act.Rollback
	Apply               // call Act.Apply; then call Log.Applied, or Log.Failed
	Adopted             // note that the server told Act.State of the operation
	Settled             // complete the operation
)

// Act is the next thing that the caller has to do.
type Act struct {
	Kind     Kind
	Op       *engine.Op
	Rollback func()
	Apply    func() (rollback func())
	State    any
	Mark     int
}

// Log holds the entries of one entity, in the order in which they were applied. The zero Log
// is empty.
type Log struct {
	entries []Entry

	// Work under way is kept here, and not in variables of a caller, whose goroutine may
	// end in the middle of it.
	undoing    []Entry // to be undone, the last of them next
	reapplying []Entry // to be applied again after that, the first of them next
	tasks      []Task  // to be carried out after that
}

// Add appends an entry that the caller has applied, of an operation that was accepted.
func (l *Log) Add(e Entry) { l.entries = append(l.entries, e) }

// Empty reports whether nothing may have to be undone any more.
func (l *Log) Empty() bool { return len(l.entries) == 0 }

// Tell gives the log decisions of the engine, after Next has returned Nothing.
func (l *Log) Tell(tasks []Task) { l.tasks = append(l.tasks, tasks...) }

// Next returns the next act, and takes it for done. most is how many settled entries the
// log keeps at most.
func (l *Log) Next(most int) Act {
	for {
		if act, ok := l.rewind(); ok {
			return act
		}
		if len(l.tasks) == 0 {
			l.tasks = nil
			return Act{}
		}
		t := l.tasks[0]
		l.tasks[0] = Task{}
		l.tasks = l.tasks[1:]
		switch {
		case t.Adopt != nil:
			l.plan(map[*engine.Op]bool{t.Adopt: true}, &Entry{Op: t.Adopt, settled: true, Apply: t.Apply, Wants: t.State})
			return Act{Kind: Adopted, Op: t.Adopt, State: t.State}
		case t.Settle != nil:
			l.settle(t.Settle, t.Heir)
			l.bound(most)
			return Act{Kind: Settled, Op: t.Settle, Mark: t.Mark}
		}
		gone := make(map[*engine.Op]bool, len(t.Rewind))
		for _, v := range t.Rewind {
			gone[v.Op] = true
		}
		l.plan(gone, nil)
	}
}

// rewind returns the next act of the plan, if any.
func (l *Log) rewind() (Act, bool) {
	for n := len(l.undoing) - 1; n >= 0; n-- {
		e := l.undoing[n]
		l.undoing = l.undoing[:n]
		if e.Rollback != nil {
			return Act{Kind: Undo, Op: e.Op, Rollback: e.Rollback}, true
		}
	}
	if len(l.reapplying) > 0 {
		e := l.reapplying[0]
		e.Rollback = nil
		l.reapplying = l.reapplying[1:]
		l.entries = append(l.entries, e)
		return Act{Kind: Apply, Op: e.Op, Apply: e.Apply}, true
	}
	l.undoing, l.reapplying = nil, nil
	l.trim()
	return Act{}, false
}

// Applied tells how to undo the application that Next asked for.
func (l *Log) Applied(rollback func()) { l.entries[len(l.entries)-1].Rollback = rollback }

// Failed tells that the application that Next asked for failed. It reports whether the
// operation must be rolled back for that: a settled operation is not.
func (l *Log) Failed() bool {
	last := len(l.entries) - 1
	if l.entries[last].settled {
		return false
	}
	l.entries[last] = Entry{}
	l.entries = l.entries[:last]
	return true
}

// plan has all entries undone from the first of the gone on, and the surviving entries
// applied again. instead, if not nil, takes the place of the first of the gone.
func (l *Log) plan(gone map[*engine.Op]bool, instead *Entry) {
	first := len(l.entries)
	for i, e := range l.entries {
		// A rolled back operation has no entry; its late answer goes below later operations.
		if gone[e.Op] && !e.settled || instead != nil && e.Op.Pos() > instead.Op.Pos() {
			first = i
			break
		}
	}
	undone := slices.Clone(l.entries[first:])
	survivors := make([]Entry, 0, len(undone)+1)
	if instead != nil {
		survivors = append(survivors, *instead)
	}
	last := make(map[*engine.Op]int) // an operation is applied once, as its latest entry
	for i, e := range undone {
		last[e.Op] = i
	}
	for i, e := range undone {
		if gone[e.Op] && !e.settled || last[e.Op] != i {
			continue
		}
		survivors = append(survivors, e)
	}
	clear(l.entries[first:])
	l.entries, l.undoing, l.reapplying = l.entries[:first], undone, survivors
}

// settle passes the entries of an operation on to its heir. Without one they stay.
func (l *Log) settle(o, heir *engine.Op) {
	for i := 0; i < len(l.entries); i++ {
		e := &l.entries[i]
		switch {
		case e.Op != o:
		case heir != nil:
			e.Op = heir
		default:
			e.settled = true
			if j := l.undoneBy(i); j >= 0 {
				l.entries = slices.Delete(l.entries, i, i+1)
				l.entries = slices.Delete(l.entries, j, j+1)
				i -= 2
			}
		}
	}
	l.trim()
}

// trim forgets settled entries before which nothing can be undone any more.
func (l *Log) trim() {
	n := 0
	for n < len(l.entries) && l.entries[n].settled {
		n++
	}
	if n > 0 {
		clear(l.entries[:n])
		l.entries = l.entries[n:]
	}
}

// undoneBy finds the entry before i that i brings to naught, so that both can be
// forgotten: without them the slot holds the same. It is -1 when there is none.
func (l *Log) undoneBy(i int) int {
	j := l.before(i)
	if j < 0 || !l.entries[j].settled {
		return -1
	}
	without := l.entries[j].Was
	if k := l.before(j); k >= 0 {
		if without = l.entries[k].Wants; !l.entries[k].settled {
			return -1 // it may be taken back yet
		}
	}
	if without == nil || without != l.entries[i].Wants {
		return -1
	}
	return j
}

// before finds the latest entry before i of the same slot, or -1.
func (l *Log) before(i int) int {
	o := l.entries[i].Op
	if o.Slot == "" {
		return -1
	}
	for i--; i >= 0; i-- {
		if other := l.entries[i].Op; other.Slot == o.Slot && other.Type.Family == o.Type.Family {
			return i
		}
	}
	return -1
}

// bound forgets the oldest settled entries when there are more than most.
func (l *Log) bound(most int) {
	settled := 0
	for i := range l.entries {
		if l.entries[i].settled {
			settled++
		}
	}
	if settled <= most {
		return
	}
	l.entries = slices.DeleteFunc(l.entries, func(e Entry) bool {
		old := e.settled && settled > most
		if old {
			settled--
		}
		return old
	})
}
