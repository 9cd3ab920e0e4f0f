package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"sort"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
)

// watcher is one more client of a server, without a session, which records the times at
// which its event stream tells the versions of posts. It is safe for concurrent use.
type watcher struct {
	// mu guards the field below it.
	mu   sync.Mutex
	seen map[string][]sight // by post; versions ascend
}

// sight is the first sight of a version.
type sight struct {
	version uint64
	at      time.Time
}

// follow reads the stream of the server at url from a position on, until ctx ends.
func (w *watcher) follow(ctx context.Context, url, after string) {
	t, err := nethttp.New(url)
	if err != nil {
		return // the clients report this error
	}
	follow(ctx, t, after, func(e client.Event) {
		if e.Name == wire.EventTruth {
			w.see(e.Data, time.Now())
		}
	})
}

// follow reads the stream from a position on, and reconnects, until ctx ends.
func follow(ctx context.Context, t client.Transport, after string, hear func(client.Event)) {
	for ctx.Err() == nil {
		err := t.Stream(ctx, "", after, func(e client.Event) {
			if _, ok := wire.ParsePosition(e.ID); ok {
				after = e.ID
			}
			hear(e)
		})
		wait := 100 * time.Millisecond
		if r, ok := errors.AsType[*client.Refusal](err); ok {
			wait = max(wait, time.Duration(r.Problem.RetryAfterMs)*time.Millisecond)
		}
		select {
		case <-time.After(wait + time.Duration(rand.Int64N(int64(wait)))):
		case <-ctx.Done():
		}
	}
}

func (w *watcher) see(truth []byte, now time.Time) {
	t, err := wire.DecodeTruth(truth)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen[t.ID]
	if len(s) == 0 || s[len(s)-1].version < t.Version {
		w.seen[t.ID] = append(s, sight{t.Version, now})
	}
}

// when returns the time at which the watcher saw the version of the post, or a later
// one.
func (w *watcher) when(post string, version uint64) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen[post]
	i := sort.Search(len(s), func(i int) bool { return s[i].version >= version })
	if i == len(s) {
		return time.Time{}, false
	}
	return s[i].at, true
}
