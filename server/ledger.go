package server

import (
	"errors"
	"time"
)

// ledger decides the kit's own part of a transaction: the keys and versions that it
// writes. A ledger is pure and belongs to one transaction.
type ledger struct {
	now  int64
	keep time.Duration
	// held has the entities as they are after the operations settled so far.
	held map[string]Entity
	// done and changed are to be committed.
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

// check answers an operation that was carried out before, or whose key is too old to know. age is
// the time since the client first sent the key, if it does not know whether the operation was
// carried out. settled is false when the operation is to be carried out.
func (l *ledger) check(key Key, age time.Duration, known *Record) (outcome Outcome, err error, settled bool) {
	if known != nil {
		first := Key{key.User, key.Key, known.Fingerprint}
		outcome, err = replay(first, key, Outcome{Already: known.Already, Version: known.Version})
		return outcome, err, true
	}
	made, ok := timeOf(key.Key)
	switch {
	case age > l.keep || ok && made < l.now-l.keep.Milliseconds():
		return Outcome{}, &Refusal{
			Status: 410, Type: ProblemKeyExpired,
			Detail: "this key is so old that its operation may have been carried out and forgotten; read the present state, and send it as a new operation if it is still wanted",
		}, true
	case ok && made > l.now+mostAhead.Milliseconds():
		return Outcome{}, badRequest("the time in this key is more than a day ahead of the server's: the clock that made it is wrong"), true
	}
	return Outcome{}, nil, false
}

// mostAhead is the greatest lead of the clock that made a key over the database's clock.
// Keys are kept for mostAhead longer than Options.Keep: by the time a key is forgotten,
// the time that it carries is already refused as too old.
const mostAhead = 24 * time.Hour

// complete fills in the operation's time and the present state of its entities.
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

// settle records the result of the program's function for an operation returned by
// complete: nil, Already, or an error, which leaves no trace.
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
// milliseconds since the Unix epoch. Other keys carry no time.
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
