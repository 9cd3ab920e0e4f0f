package server

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

const ledgerNow = 1_000_000_000_000

func keyAt(ms int64) string {
	return fmt.Sprintf("%08x-%04x-7abc-8000-0123456789ab", ms>>16, ms&0xffff)
}

func opOn(key string, ids ...string) (Op, Key) {
	op := Op{Key: key, User: "ada"}
	for _, id := range ids {
		op.Entities = append(op.Entities, Entity{ID: id})
	}
	return op, Key{User: "ada", Key: key, Fingerprint: "f-" + key}
}

// TestVersionsAreCountedThroughTheGroup: each operation sees those that the ones before it
// have made, and neither refused ones nor those that found all as wanted count.
func TestVersionsAreCountedThroughTheGroup(t *testing.T) {
	l := newLedger(ledgerNow, time.Hour, []Entity{{ID: "a", Version: 4, ChangedAt: 7}, {ID: "b"}})
	refusal := &Refusal{Status: 403}
	for _, row := range []struct {
		key    string
		on     []string
		result error
		sees   []uint64
		want   Outcome
		err    error
	}{
		{"k1", []string{"a", "b"}, nil, []uint64{4, 0}, Outcome{Version: 5}, nil},
		{"k2", []string{"b"}, refusal, []uint64{1}, Outcome{}, refusal},
		{"k3", []string{"b", "a"}, fmt.Errorf("as it was: %w", Already), []uint64{1, 5}, Outcome{Already: true, Version: 1}, nil},
		{"k4", []string{"b"}, nil, []uint64{1}, Outcome{Version: 2}, nil},
	} {
		op, key := opOn(row.key, row.on...)
		op = l.complete(op)
		for i, e := range op.Entities {
			if e.ID != row.on[i] || e.Version != row.sees[i] {
				t.Errorf("%s sees %+v", row.key, op.Entities)
			}
		}
		if outcome, err := l.settle(op, key, row.result); outcome != row.want || err != row.err {
			t.Errorf("%s: %+v, %v", row.key, outcome, err)
		}
	}
	at := int64(ledgerNow)
	if want := []Entity{{"a", 5, at}, {"b", 1, at}, {"b", 2, at}}; !reflect.DeepEqual(l.changed, want) {
		t.Errorf("changed: %v", l.changed)
	}
	if want := []Done{
		{Key{"ada", "k1", "f-k1"}, Record{"f-k1", false, 5}, []string{"a", "b"}},
		{Key{"ada", "k3", "f-k3"}, Record{"f-k3", true, 1}, []string{"b", "a"}},
		{Key{"ada", "k4", "f-k4"}, Record{"f-k4", false, 2}, []string{"b"}},
	}; !reflect.DeepEqual(l.done, want) {
		t.Errorf("done: %v", l.done)
	}
}

// TestTheTimeOfAChangeNeverGoesBack: also when the database's clock does.
func TestTheTimeOfAChangeNeverGoesBack(t *testing.T) {
	l := newLedger(ledgerNow, time.Hour, []Entity{{ID: "a", Version: 1, ChangedAt: ledgerNow + 500}, {ID: "b"}})
	op, key := opOn("k", "b", "a")
	op = l.complete(op)
	if op.Now != ledgerNow+500 {
		t.Errorf("the operation's time is %d", op.Now)
	}
	if _, err := l.settle(op, key, nil); err != nil || l.changed[0].ChangedAt != op.Now || l.changed[1].ChangedAt != op.Now {
		t.Errorf("changed: %v, %v", l.changed, err)
	}
}

func TestAKeyIsReplayedReusedOrTooOld(t *testing.T) {
	const keep = time.Hour
	for name, row := range map[string]struct {
		key     string
		age     time.Duration
		known   *Record
		want    Outcome
		problem string
		settled bool
	}{
		"fresh":                             {key: "k"},
		"known":                             {key: "k", known: &Record{"f-k", true, 3}, want: Outcome{Already: true, Replayed: true, Version: 3}, settled: true},
		"known with another payload":        {key: "k", known: &Record{Fingerprint: "other"}, problem: ProblemKeyReused, settled: true},
		"in doubt as long as is kept":       {key: "k", age: keep},
		"in doubt for longer":               {key: "k", age: keep + 1, problem: ProblemKeyExpired, settled: true},
		"in doubt for longer, and known":    {key: "k", age: keep + 1, known: &Record{"f-k", true, 3}, want: Outcome{Already: true, Replayed: true, Version: 3}, settled: true},
		"as old as is kept":                 {key: keyAt(ledgerNow - keep.Milliseconds())},
		"older":                             {key: keyAt(ledgerNow - keep.Milliseconds() - 1), problem: ProblemKeyExpired, settled: true},
		"older, and known":                  {key: keyAt(1), known: &Record{Fingerprint: "f-" + keyAt(1), Version: 2}, want: Outcome{Replayed: true, Version: 2}, settled: true},
		"ahead as far as may be":            {key: keyAt(ledgerNow + mostAhead.Milliseconds())},
		"further ahead":                     {key: keyAt(ledgerNow + mostAhead.Milliseconds() + 1), problem: ProblemBadRequest, settled: true},
		"another version of UUID":           {key: "00000000-0000-4abc-8000-0123456789ab"},
		"something like a UUID":             {key: "00000000-0000-7abc-8000-0123456789ax"},
		"something like a UUID with a dash": {key: "0000000-00000-7abc-8000-0123456789ab"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(ledgerNow, keep, nil)
			outcome, err, settled := l.check(Key{"ada", row.key, "f-" + row.key}, row.age, row.known)
			refusal, _ := errors.AsType[*Refusal](err)
			if outcome != row.want || settled != row.settled || (refusal == nil) != (row.problem == "") || refusal != nil && refusal.Type != row.problem {
				t.Errorf("%+v, %v, %v", outcome, err, settled)
			}
		})
	}
}
