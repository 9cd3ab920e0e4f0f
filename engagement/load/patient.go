package load

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// patient is a transport for requests that no manager repeats: it repeats a request at
// the time that the server names, and returns the last answer.
type patient struct {
	client.Transport

	// again says that requests without an answer are repeated too. They may then be carried
	// out twice.
	again bool
}

// mostPatience is the longest time for which a request may be put off in all.
const mostPatience = 2 * time.Minute

func (t patient) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	lost := 0
	for left := mostPatience; ; {
		a, err := t.Transport.RoundTrip(ctx, r)
		wait := comeBack(a)
		if err != nil && t.again && ctx.Err() == nil {
			wait = min(20*time.Millisecond<<min(lost, 6), time.Second)
			lost++
			err = errLost(err, wait, left)
		}
		if err != nil || wait == 0 || wait > left {
			return a, err
		}
		// A random wait, so that many requests refused together do not return together.
		wait += time.Duration(rand.Int64N(int64(wait)))
		left -= wait
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return client.Response{}, ctx.Err()
		}
	}
}

// errLost returns the error of a lost request, unless there is time to send it again.
func errLost(err error, wait, left time.Duration) error {
	if wait > left {
		return err
	}
	return nil
}

// comeBack returns the wait that an answer asks for; 0: it does not ask.
func comeBack(a client.Response) time.Duration {
	if a.RetryAfter == 0 {
		return 0
	}
	p, err := wire.DecodeProblem(a.Body) // the body has the same time, more precisely
	if ms := time.Duration(p.RetryAfterMs) * time.Millisecond; err == nil && ms > 0 {
		return min(ms, a.RetryAfter)
	}
	return a.RetryAfter
}
