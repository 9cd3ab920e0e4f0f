package server

import (
	"errors"
	"time"
)

// ledger is the kit's own part of a transaction: what becomes of keys and versions. It is
// pure, and belongs to one transaction.
type ledger struct {
	now  int64
	keep time.Duration
	// held are the entities as the operations settled so far have left them.
	held map[string]Entity
	// done and changed are what is to be committed.
	done    []Done
	changed []Entity
}

// newLedger begins at the time now (milliseconds since the Unix epoch) with the entities
// as they are locked.
func newLedger(now int64, keep time.Duration, held []Entity) *ledger {
	l := &ledger{now: now, keep: keep, held: make(map[string]Entity, len(held))}
	for _, e := range held {
		l.held[e.ID] = e
	}
	return l
}

// check answers an operation whose key was carried out before, or is too old to tell.
// settled is false when it is to be carried out.
func (l *ledger) check(key Key, known *Record) (outcome Outcome, err error, settled bool) {
	if known != nil {
		first := Key{key.User, key.Key, known.Fingerprint}
		outcome, err = replay(first, key, Outcome{Already: known.Already, Version: known.Version})
		return outcome, err, true
	}
	made, ok := timeOf(key.Key)
	switch {
	case ok && made < l.now-l.keep.Milliseconds():
		return Outcome{}, &Refusal{
			Status: 410, Type: ProblemKeyExpired,
			Detail: "this key is so old that its operation may have been carried out and forgotten; look, and ask with a new key",
		}, true
	case ok && made > l.now+mostAhead.Milliseconds():
		return Outcome{}, badRequest("the time in this key is more than a day ahead of the server's: the clock that made it is wrong"), true
	}
	return Outcome{}, nil, false
}

// mostAhead is how far the clock that made a key may be ahead of the database's. Keys are
// kept for that much longer: when a key is forgotten, its own time is too old already.
const mostAhead = 24 * time.Hour

// complete tells the operation its time and its entities as they are now.
func (l *ledger) complete(op Op) Op {
	op.Now = l.now
	entities := make([]Entity, len(op.Entities))
	for i, e := range op.Entities {
		entities[i] = l.held[e.ID]
		op.Now = max(op.Now, entities[i].ChangedAt)
	}
	op.Entities = entities
	return op
}

// settle takes the result of the program's function for an operation that complete has
// returned: nil, Already, or an error, which leaves no trace.
func (l *ledger) settle(op Op, key Key, result error) (Outcome, error) {
	already := errors.Is(result, Already)
	if result != nil && !already {
		return Outcome{}, result
	}
	d := Done{Key: key, Record: Record{Fingerprint: key.Fingerprint, Already: already}}
	for _, e := range op.Entities {
		if !already {
			e.Version++
			e.ChangedAt = op.Now
			l.held[e.ID] = e
			l.changed = append(l.changed, e)
		}
		d.Entities = append(d.Entities, e.ID)
	}
	d.Version = l.held[op.Entities[0].ID].Version
	l.done = append(l.done, d)
	return Outcome{Already: already, Version: d.Version}, nil
}

// timeOf returns the time of a key that is a UUID of version 7 (RFC 9562), in
// milliseconds since the Unix epoch. Other keys tell none.
func timeOf(key string) (at int64, ok bool) {
	if len(key) != 36 || key[14] != '7' {
		return 0, false
	}
	for i := range len(key) {
		c := key[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return 0, false
			}
			continue
		}
		var digit byte
		switch {
		case '0' <= c && c <= '9':
			digit = c - '0'
		case 'a' <= c && c <= 'f':
			digit = c - 'a' + 10
		case 'A' <= c && c <= 'F':
			digit = c - 'A' + 10
		default:
			return 0, false
		}
		if i < 13 {
			at = at<<4 | int64(digit)
		}
	}
	return at, true
}
