package list_test

import (
	"context"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/list"
)

// A page of a server without versions is as old as the beginning of its read: it does not undo
// a change that was confirmed while it was on its way.
func TestAPageWithoutVersionsIsAsOldAsItsRead(t *testing.T) {
	inFeed(t, 5, five, func(f *feed) {
		l := f.list(list.Query[task]{Order: mostHours, Pages: func(ctx context.Context, after list.After[task], limit int) (list.Page[task], error) {
			page, err := f.fetch(ctx, after, limit)
			for i := range page.Rows {
				page.Rows[i].Truth.Version = 0
			}
			return page, err
		}})
		f.answer = func(string) (optimist.Truth[task], error) {
			time.Sleep(time.Millisecond)
			return optimist.Truth[task]{}, nil // as wanted
		}
		l = f.begun(l)
		f.slow = 4 * time.Second
		done := make(chan error)
		go func() { done <- l.Refetch(f.ctx) }()
		time.Sleep(time.Second)
		h, err := f.set.Execute(f.ctx, "e", task{"mine", 8})
		must(t, err)
		_, err = h.Wait(f.ctx)
		must(t, err)
		must(t, <-done)
		f.state(l, "a e b c d")
	})
}
