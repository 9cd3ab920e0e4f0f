package load

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// patient is a transport for requests that no manager repeats: when the server says when
// to come back, it comes back then. How the last answer is, its caller sees.
type patient struct {
	client.Transport

	// again is true when a request that got no answer is sent again too. The caller must
	// not mind when it is carried out twice.
	again bool
}

// mostPatience is how long a request may be put off in all.
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
		// Who was refused at once with many others should not come back with them.
		wait += time.Duration(rand.Int64N(int64(wait)))
		left -= wait
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return client.Response{}, ctx.Err()
		}
	}
}

// errLost is the error of a request that got lost, unless there is time to send it again.
func errLost(err error, wait, left time.Duration) error {
	if wait > left {
		return err
	}
	return nil
}

// comeBack is when an answer says to try again; 0: it does not say.
func comeBack(a client.Response) time.Duration {
	if a.RetryAfter == 0 {
		return 0
	}
	p, err := wire.DecodeProblem(a.Body) // says the same, more precisely
	if ms := time.Duration(p.RetryAfterMs) * time.Millisecond; err == nil && ms > 0 {
		return min(ms, a.RetryAfter)
	}
	return a.RetryAfter
}
