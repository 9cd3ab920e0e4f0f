package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
)

// enterViewers signs the viewers in, and returns when each has a stream. They follow until
// ctx ends; following waits for their end.
func (r *runner) enterViewers(ctx context.Context, following *sync.WaitGroup) error {
	viewers, urls := r.config.Viewers, r.config.URLs
	if viewers == 0 {
		return nil
	}
	r.bar.say("viewers")
	var entered atomic.Int64
	seats := make(chan struct{}, atOnce)
	ready := make(chan error, viewers)
	for n := range viewers {
		following.Go(func() {
			t, err := nethttp.New(urls[n%len(urls)])
			seats <- struct{}{}
			if err == nil {
				_, err = client.SignIn(ctx, patient{Transport: t, again: true}, fmt.Sprint("viewer", n))
			}
			if err != nil {
				<-seats
				ready <- err
				return
			}
			var first sync.Once
			follow(ctx, t, "", func(client.Event) {
				first.Do(func() {
					<-seats
					r.bar.show("viewers", int(entered.Add(1)), viewers)
					ready <- nil
				})
			})
			first.Do(func() { <-seats; ready <- ctx.Err() })
		})
	}
	for range viewers {
		if err := <-ready; err != nil {
			return fmt.Errorf("load: a viewer cannot enter: %w", err)
		}
	}
	return nil
}
