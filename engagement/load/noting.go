package load

import (
	"context"

	"github.com/optimist-go/optimist/engagement/client"
)

// noting is a transport that tells of each operation that leaves, and of what the
// server says about it.
type noting struct {
	client.Transport
	number int
	tell   func(note)
}

func (t noting) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	if r.Key == "" {
		return patient{t.Transport}.RoundTrip(ctx, r)
	}
	t.tell(note{Kind: noteSent, Client: t.number, Request: &r})
	a, err := t.Transport.RoundTrip(ctx, r)
	if err == nil {
		if already, ok := applied(a); ok {
			t.tell(note{Kind: noteAnswered, Client: t.number, ID: r.Key, Already: already})
		}
	}
	return a, err
}
