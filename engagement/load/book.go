package load

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// book holds the notes of the clients. It is safe for concurrent use.
type book struct {
	tapped   func(made int)      // called for each tap, without the lock
	progress func(kind noteKind) // called when a client has finished a part, likewise

	// mu guards the fields below it.
	mu   sync.Mutex
	made []int // taps, by client
	all  int   // their sum
	ops  map[string]*operation
	taps []tap

	promises promises

	requests               []time.Duration // durations of answered requests
	ready, quiet, compared map[int]bool    // clients

	calls, retries, conflicts, rollbacks, missed, parked, divergence int

	details details
}

// operation is the record of one operation.
type operation struct {
	client    int
	request   *client.Request // nil: it has not left
	answered  bool            // the server told the result
	already   bool            // it changed nothing
	agreed    bool            // a conflict in which both wanted the same
	doubtful  bool            // the result of its last attempt is unknown
	settled   time.Time       // zero: not as far as is known
	outcome   optimist.Outcome
	successor string

	attempts int
	left     time.Time // when the last attempt left
	version  uint64    // of the post, as answered; not before its effect
}

type tap struct {
	id   string
	at   time.Time
	took time.Duration
}

func newBook(clients int, tapped func(made int)) *book {
	b := &book{
		tapped: tapped, progress: func(noteKind) {}, made: make([]int, clients), ops: make(map[string]*operation),
		ready: make(map[int]bool), quiet: make(map[int]bool), compared: make(map[int]bool),
	}
	b.promises = promises{of: make(map[string]*promise), unknown: make(map[string]bool), details: &b.details}
	return b
}

// take records a note.
func (b *book) take(n note) {
	made := b.enter(n)
	switch n.Kind {
	case noteTapped:
		b.tapped(made)
	case noteReady, noteQuiet, noteCompared:
		b.progress(n.Kind)
	}
}

func (b *book) enter(n note) (made int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch n.Kind {
	case noteAnswered, noteUnheard, noteRefused, notePutOff:
		if n.Took > 0 {
			b.requests = append(b.requests, n.Took)
		}
	}
	switch n.Kind {
	case noteTapped:
		b.made[n.Client]++
		b.all++
		b.taps = append(b.taps, tap{n.ID, n.At, n.Took})
	case noteAccepted:
		b.promises.accept(n.Client, n.ID)
	case noteDurable:
		b.promises.makeDurable(n.ID)
	case noteEnding:
		b.promises.end(n.ID, n.Successor)
	case noteRestored:
		b.promises.restored += len(n.IDs)
		b.promises.compare(n.Client, n.IDs)
	case noteHeld:
		b.promises.compare(n.Client, n.IDs)
	case noteReady:
		b.ready[n.Client] = true
	case noteQuiet:
		b.quiet[n.Client] = true
	case noteSent:
		b.calls++
		o := b.opLocked(n.Request.Key, n.Client)
		o.request, o.left = n.Request, n.At
		o.attempts++
	case noteAnswered:
		o := b.opLocked(n.ID, n.Client)
		o.answered, o.already, o.version = true, n.Already, n.Version
	case noteUnheard:
		b.opLocked(n.ID, n.Client).doubtful = true
	case noteRefused:
		b.opLocked(n.ID, n.Client).doubtful = false
	case noteRetrying:
		b.retries++
	case noteConflicted:
		b.conflicts++
		b.opLocked(n.ID, n.Client).agreed = n.Already
	case noteRolledBack:
		b.rollbacks += n.Count
	case noteSettled:
		o := b.opLocked(n.ID, n.Client)
		o.settled, o.outcome, o.successor = n.At, n.Outcome, n.Successor
	case noteMissed:
		b.missed += n.Count
	case noteCompared:
		b.compared[n.Client] = true
		b.divergence += n.Count
		b.parked += n.Parked
		if n.Why != "" {
			b.details.add("%s", n.Why)
		}
	}
	return b.all
}

func (b *book) opLocked(id string, client int) *operation {
	o := b.ops[id]
	if o == nil {
		o = &operation{client: client}
		b.ops[id] = o
	}
	return o
}

// left returns the numbers of taps that the clients from from on have still to make.
func (b *book) left(from int, theirs []int) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]int, len(theirs))
	for i, n := range theirs {
		out[i] = max(n-b.made[from+i], 0)
	}
	return out
}

// ask repeats a request of a client that has ended.
type ask func(ctx context.Context, client int, r client.Request) (client.Response, error)

// effects counts the operations with an effect, by post. If an operation left and no
// answer is known (the stream told its success, the sending process was killed, or the
// client gave it up with unknown result), effects repeats the request with the same key,
// which must always give the same answer. The clients must have ended.
func (b *book) effects(ctx context.Context, ask ask, progress func(n, of int)) (map[string]int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, done := make(map[string]int), 0
	for key, o := range b.ops {
		done++
		progress(done, len(b.ops))
		if o.request != nil && !o.answered {
			if err := b.learnLocked(ctx, key, o, ask); err != nil {
				return nil, err
			}
		}
		if o.answered && !o.already {
			n[postOf(o.request)]++
		}
	}
	return n, nil
}

// learnLocked asks the server for the result of an operation that left.
func (b *book) learnLocked(ctx context.Context, key string, o *operation, ask ask) error {
	confirmed := o.outcome == optimist.Confirmed && !o.agreed
	if !confirmed && !o.settled.IsZero() {
		if o.doubtful {
			return learnGivenUp(ctx, o, ask)
		}
		return nil
	}
	a, err := ask(ctx, o.client, *o.request)
	if err != nil {
		return err
	}
	var now wire.Outcome
	now, o.answered = applied(a)
	o.already = now.Already
	if !o.answered && confirmed {
		o.answered = true // as the client says: its effect is lost
		b.details.add("operation %s was confirmed, and asked again the server says %d %.200s", key, a.Status, a.Body)
	}
	return nil
}

// learnGivenUp asks the server for the result of an operation that its client has given
// up. If this request itself carries it out, the operation had no effect before.
func learnGivenUp(ctx context.Context, o *operation, ask ask) error {
	post := postOf(o.request)
	before, err := ask(ctx, o.client, getPost(post))
	if err != nil {
		return err
	}
	stood, err := standingIn(post, before)
	if err != nil {
		return err
	}
	a, err := ask(ctx, o.client, *o.request)
	if err != nil {
		return err
	}
	if now, err := wire.DecodeOutcome(a.Body); a.Status < 300 && err == nil && now.Version == stood.Version {
		o.already, o.answered = now.Already, true
	}
	return nil
}

// posts returns the posts of the operations that left.
func (b *book) posts() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	posts := make(map[string]bool)
	for _, o := range b.ops {
		if o.request != nil {
			posts[postOf(o.request)] = true
		}
	}
	return posts
}

// postOf returns the post of a request.
func postOf(r *client.Request) string {
	if r.Path == "/v1/posts" {
		post, _ := wire.DecodeNewPost(r.Body)
		return post.ID
	}
	post, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/v1/posts/"), "/")
	return post
}

// applied reads an answer: whether the server has carried the operation out, and whether
// its effect was there already.
func applied(a client.Response) (o wire.Outcome, ok bool) {
	if a.Status >= 300 {
		return wire.Outcome{}, false
	}
	o, err := wire.DecodeOutcome(a.Body)
	return o, err == nil
}

// done returns the number of clients that have finished a part.
func (b *book) done(kind noteKind) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(map[noteKind]map[int]bool{noteReady: b.ready, noteQuiet: b.quiet, noteCompared: b.compared}[kind])
}

// acknowledged returns the operations whose effect a server has confirmed.
func (b *book) acknowledged(devices int) (effects []Effect) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, o := range b.ops {
		if o.request != nil && o.answered && !o.already {
			effects = append(effects, Effect{User: userOf(o.client, devices), Key: key})
		}
	}
	return effects
}

// report makes the report of the book.
func (b *book) report() *Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	sent := 0
	for id, o := range b.ops {
		if o.request != nil {
			sent++
			b.promises.knows(o.client, id)
		}
	}
	rep := &Report{
		Clients: len(b.made), Taps: b.all, Calls: b.calls, Retries: b.retries, Conflicts: b.conflicts,
		Rollbacks: b.rollbacks, Missed: b.missed, Parked: b.parked, Divergence: b.divergence, Details: b.details,
		Durable: b.promises.durable, Restored: b.promises.restored,
		Forgotten: b.promises.broken, Unknown: len(b.promises.unknown),
	}
	rep.CallsSaved = max(b.all-sent, 0)
	var taps, settling []time.Duration
	for _, t := range b.taps {
		taps = append(taps, t.took)
		if o := b.lastLocked(t.id); o != nil && !o.settled.IsZero() {
			settling = append(settling, o.settled.Sub(t.at))
		}
	}
	rep.Requests = len(b.requests)
	rep.Visible, rep.Settle, rep.Request = spreadOf(taps), spreadOf(settling), spreadOf(b.requests)
	return rep
}

// followed returns the times until a client of another server saw an effect: since the
// tap, and, for operations with one attempt, since the request left. With one server it
// is another client of the same server.
func (b *book) followed(watchers []*watcher) (sinceTap, sinceLeft Spread) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := func(o *operation) (time.Time, bool) {
		if o == nil || !o.answered || o.already || o.version == 0 {
			return time.Time{}, false
		}
		return watchers[(o.client+1)%len(watchers)].when(postOf(o.request), o.version)
	}
	var taps, left []time.Duration
	for _, t := range b.taps {
		if at, ok := seen(b.lastLocked(t.id)); ok {
			taps = append(taps, max(at.Sub(t.at), 0))
		}
	}
	for _, o := range b.ops {
		if at, ok := seen(o); ok && o.attempts == 1 {
			left = append(left, max(at.Sub(o.left), 0))
		}
	}
	return spreadOf(taps), spreadOf(left)
}

// lastLocked returns the operation, or the last one that took its place.
func (b *book) lastLocked(id string) *operation {
	o := b.ops[id]
	for o != nil && o.successor != "" {
		o = b.ops[o.successor]
	}
	return o
}
