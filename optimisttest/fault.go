package optimisttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/optimist-go/optimist"
)

// Fault is the fault of one call. The zero Fault is no fault: the request arrives
// at once, and so does the answer. Fields combine.
type Fault struct {
	// Delay passes before the request arrives, and AnswerDelay before its answer does.
	// A caller whose context ends meanwhile goes away; its request still arrives.
	Delay, AnswerDelay time.Duration
	// Twice: the network delivers the request a second time, after the first.
	Twice bool
	// LoseRequest: the connection breaks before the request arrives. LoseAnswer: after
	// it was applied. The caller cannot tell which, and gets optimist.Unknown.
	LoseRequest, LoseAnswer bool
	// CutAnswer: the connection breaks in the middle of the answer. GarbleAnswer: somebody
	// else's answer comes in its place, such as the page of a network that wants its guests to
	// log in. The request was applied, and the caller cannot tell that either.
	CutAnswer, GarbleAnswer bool
	// Hang: with a loss, nothing breaks; the caller waits until its context ends.
	Hang bool
	// Conflict: the server answers with its truth instead of applying.
	Conflict bool
	// Err: the server refuses with this error instead of applying.
	Err error
}

var (
	errBroken     = errors.New("the connection broke")
	errScripted   = errors.New("scripted failure")
	errConflict   = errors.New("the server holds something else")
	errKeyReused  = errors.New("the idempotency key was used for another content")
	errNotThere   = errors.New("the entity is not there")
	errOverloaded = errors.New("the server is busy")
)

// The usual faults.
var (
	LostRequest     = Fault{LoseRequest: true}
	LostAnswer      = Fault{LoseAnswer: true}
	CutAnswer       = Fault{CutAnswer: true}
	GarbledAnswer   = Fault{GarbleAnswer: true}
	Duplicate       = Fault{Twice: true}
	Conflict        = Fault{Conflict: true}
	Transient       = Fault{Err: optimist.Fail(optimist.Transient, errScripted)}
	Permanent       = Fault{Err: optimist.Fail(optimist.Permanent, errScripted)}
	Offline         = Fault{Err: optimist.Fail(optimist.Offline, errScripted)}
	Unauthenticated = Fault{Err: optimist.Fail(optimist.Unauthenticated, errScripted)}
)

// losesAnswer reports whether a request is applied and its answer does not arrive.
func (f Fault) losesAnswer() bool { return f.LoseAnswer || f.CutAnswer || f.GarbleAnswer }

// statusError is the refusal with a status, as a server says it.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("scripted failure with status %d", int(s)) }

// Status returns the fault of a server that refuses with an HTTP status. Its class is that of
// optimist.StatusError; for a status of 2xx it is no fault.
func Status(code int) Fault { return Fault{Err: optimist.StatusError(code, 0, statusError(code))} }

// Delay returns the fault of a slow request.
func Delay(d time.Duration) Fault { return Fault{Delay: d} }

// Overloaded returns the fault of a busy server that tells the time for the next
// try.
func Overloaded(retryAfter time.Duration) Fault {
	return Fault{Err: &optimist.SendError{Class: optimist.Overloaded, RetryAfter: retryAfter, Err: errOverloaded}}
}

// Chaos describes a bad network and a bad server, as probabilities between 0 and 1.
// The zero Chaos has no faults.
type Chaos struct {
	Seed uint64 // the same seed gives the nth call for an entity the same fault

	LostRequest, LostAnswer, Duplicate float64
	Transient, Overloaded, Conflict    float64
	Permanent                          float64
	MaxDelay                           time.Duration // of the request, and of the answer
}

// fault draws for the nth call for an entity. It depends only on these two, so that
// the order of calls for different entities does not matter.
func (c Chaos) fault(entity string, n int) (f Fault) {
	if c == (Chaos{}) {
		return f
	}
	r := rand.New(rand.NewPCG(c.Seed^fnv(entity), uint64(n)))
	if c.MaxDelay > 0 {
		f.Delay = time.Duration(r.Int64N(int64(c.MaxDelay)))
		f.AnswerDelay = time.Duration(r.Int64N(int64(c.MaxDelay)))
	}
	f.Twice = r.Float64() < c.Duplicate
	switch p := r.Float64(); {
	case p < c.LostRequest:
		f.LoseRequest = true
	case p < c.LostRequest+c.LostAnswer:
		f.LoseAnswer = true
	case p < c.LostRequest+c.LostAnswer+c.Transient:
		f.Err = Transient.Err
	case p < c.LostRequest+c.LostAnswer+c.Transient+c.Overloaded:
		f.Err = Overloaded(time.Second).Err
	case p < c.LostRequest+c.LostAnswer+c.Transient+c.Overloaded+c.Conflict:
		f.Conflict = true
	case p < c.LostRequest+c.LostAnswer+c.Transient+c.Overloaded+c.Conflict+c.Permanent:
		f.Err = Permanent.Err
	}
	return f
}

// fnv is FNV-1a.
func fnv(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
