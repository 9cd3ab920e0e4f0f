package load

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
)

// noting is a transport that notes each operation that leaves, and the server's
// answer to it.
type noting struct {
	client.Transport
	number int
	tell   func(note)
}

func (t noting) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	if r.Key == "" {
		return patient{Transport: t.Transport}.RoundTrip(ctx, r)
	}
	began := time.Now()
	t.tell(note{Kind: noteSent, Client: t.number, Request: &r, At: began})
	a, err := t.Transport.RoundTrip(ctx, r)
	n := note{Kind: noteUnheard, Client: t.number, ID: r.Key}
	if err == nil {
		n.Took = time.Since(began)
	}
	switch o, ok := applied(a); {
	case err != nil || a.Status >= 500:
	case ok:
		n.Kind, n.Already, n.Version = noteAnswered, o.Already, o.Version
	case a.RetryAfter > 0:
		n.Kind = notePutOff // the answer says nothing about earlier attempts
	default:
		n.Kind = noteRefused
	}
	t.tell(n)
	return a, err
}
