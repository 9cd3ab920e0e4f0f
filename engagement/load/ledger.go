package load

import (
	"context"
	"fmt"
	"sync"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// ledger is a client's transport that notes what became of each operation, as the
// server told it.
type ledger struct {
	client.Transport

	// mu guards the field below it.
	mu  sync.Mutex
	ops map[string]*entry // by idempotency key
}

// entry is one operation that has left.
type entry struct {
	request  client.Request
	answered bool
	already  bool // it changed nothing
}

func newLedger(t client.Transport) *ledger {
	return &ledger{Transport: t, ops: make(map[string]*entry)}
}

func (l *ledger) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	if r.Key == "" {
		return l.Transport.RoundTrip(ctx, r)
	}
	l.mu.Lock()
	if l.ops[r.Key] == nil {
		l.ops[r.Key] = &entry{request: r}
	}
	l.mu.Unlock()
	a, err := l.Transport.RoundTrip(ctx, r)
	if err == nil {
		l.note(r.Key, a)
	}
	return a, err
}

// note keeps what the server says about an operation that it applied.
func (l *ledger) note(key string, a client.Response) bool {
	if a.Status >= 300 {
		return false
	}
	o, err := wire.DecodeOutcome(a.Body)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops[key].answered, l.ops[key].already = true, o.Already
	return true
}

// effects counts the operations that changed something.
// Where the client learned of its success by the stream, before an answer came, the
// server is asked again under the same key, and must say the same for ever.
func (l *ledger) effects(ctx context.Context, applied map[string]bool) (int, error) {
	l.mu.Lock()
	ops := l.ops
	l.mu.Unlock()
	n := 0
	for key, e := range ops {
		if !e.answered && applied[key] {
			a, err := l.Transport.RoundTrip(ctx, e.request)
			if err != nil {
				return 0, err
			}
			if !l.note(key, a) {
				return 0, fmt.Errorf("the operation %s was confirmed, and asked again the server says %d %s", key, a.Status, a.Body)
			}
		}
		if e.answered && !e.already {
			n++
		}
	}
	return n, nil
}
