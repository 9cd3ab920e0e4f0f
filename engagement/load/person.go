package load

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/filejournal"
)

// person is one client.
type person struct {
	number  int
	tell    func(note)
	service *client.Service
	plain   client.Transport // its session, without notes
	posts   []string         // to tap on
	running sync.WaitGroup   // follows the stream, and passes on events
	events  *optimist.Subscription
	ledger  *ledger // nil: no journal
	stop    context.CancelFunc

	link atomic.Pointer[error] // the reason why there is no stream; nil: there is one

	made     int       // taps
	comments []written // its own comments that may still exist
	written  []string  // posts, likewise
	parked   int       // changes that the client gave up
}

type written struct{ post, id string }

// eventBuffer is so large that no event is missed.
const eventBuffer = 1 << 20

// newPerson signs in and restores the operations in the journal.
func newPerson(ctx context.Context, j job, n int, tell func(note)) (*person, error) {
	t, err := nethttp.New(j.URLs[n%len(j.URLs)])
	if err != nil {
		return nil, err
	}
	p := &person{number: n, plain: patient{Transport: t, again: true}, tell: tell, posts: j.Posts}
	if _, err := client.SignIn(ctx, p.plain, userOf(n, j.Devices)); err != nil {
		return nil, err
	}
	o := client.Options{Transport: noting{t, n, tell}, User: userOf(n, j.Devices), Policy: policy(j.Debounce, j.Retries)}
	if j.Journals != "" {
		file, err := filejournal.Open(filepath.Join(j.Journals, strconv.Itoa(n)), filejournal.Options{})
		if err != nil {
			return nil, err
		}
		p.ledger = &ledger{Journal: file, client: n, tell: tell}
		o.Journal = p.ledger
	}
	if p.service, err = client.New(o); err != nil {
		return nil, err
	}
	p.events = p.service.Manager().Subscribe(optimist.SubscribeOptions{Buffer: eventBuffer})
	p.running.Go(p.passOn)
	after, err := p.enter(ctx)
	if err != nil {
		p.close()
		return nil, err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	p.running.Go(func() { p.service.Follow(following, after, p.noteLink) })
	return p, nil
}

// noteLink records the state of the stream.
func (p *person) noteLink(_ client.Link, err error) {
	if err == nil {
		p.link.Store(nil)
		return
	}
	p.link.Store(&err)
}

// enter restores the operations in the journal, loads the feed and returns the position
// to follow from. Until this has worked the client is offline: no operation has ended
// when the ledger opens, and when the client is given up, to be made anew, none of its
// calls is under way. A call cut off then could be noted as sent although it was not.
func (p *person) enter(ctx context.Context) (after string, err error) {
	m := p.service.Manager()
	if err := m.SetOnline(false); err != nil {
		return "", err
	}
	if err := p.service.Restore(); err != nil {
		return "", err
	}
	if p.ledger != nil {
		p.ledger.open(m)
	}
	if after, err = p.load(ctx); err != nil {
		return "", err
	}
	return after, m.SetOnline(true)
}

// load reads the feed as far as the posts to tap on: all newer posts come before them.
func (p *person) load(ctx context.Context) (after string, err error) {
	missing := setOf(p.posts)
	first, err := p.service.Load(ctx, "", wire.MaxPage)
	for feed := first; err == nil; feed, err = p.service.Load(ctx, feed.Next, wire.MaxPage) {
		for _, post := range feed.Posts {
			delete(missing, post)
		}
		if len(missing) == 0 || feed.Next == "" {
			break
		}
	}
	return first.After, err
}

func userOf(client, devices int) string { return fmt.Sprintf("load%d", client/devices) }

// passOn notes the manager's events, until its subscription is closed.
func (p *person) passOn() {
	for e := range p.events.All(context.Background()) {
		n := note{Client: p.number, ID: e.ID}
		switch e.Kind {
		case event.Accepted:
			if p.ledger != nil {
				continue // it tells
			}
			n.Kind = noteAccepted
		case event.Retrying:
			n.Kind = noteRetrying
		case event.Conflicted:
			n.Kind, n.Already = noteConflicted, e.Resolution == optimist.AlreadySo
		case event.RolledBack:
			n.Kind, n.Count = noteRolledBack, len(e.Victims)
		case event.Settled:
			n.Kind, n.At, n.Outcome, n.Successor = noteSettled, e.At, e.Outcome, e.Successor
		case event.Gap:
			n.Kind, n.Count = noteMissed, e.Missed
		default:
			continue
		}
		p.tell(n)
	}
}

// comparisons is the number of comparisons of a client: an operation given up in doubt
// may reach the server late.
const comparisons = 3

// newer returns the states of the posts by a feed that was read later.
func newer(posts map[string]standing, feed map[string]wire.Truth) map[string]standing {
	posts = maps.Clone(posts)
	for post, truth := range feed {
		if posts[post].Version < truth.Version {
			posts[post] = standing{Version: truth.Version}
		}
	}
	return posts
}

// differences counts the posts on which the client and the feed differ, and describes
// one.
func (p *person) differences(posts map[string]standing, feed map[string]wire.Truth) (n int, why string) {
	for post := range posts {
		if v := p.service.Post(post); !agree(v, feed[post]) {
			n++
			why = fmt.Sprintf("%s sees %s %+v (version %d, %d pending), the server holds %+v (version %d)",
				p.service.User(), post, v.Value.PostState.Post, v.Version, v.Pending, feed[post].State, feed[post].Version)
		}
	}
	return n, why
}

// longestSilence is the longest time for which a stream may be silent although it is
// behind.
const longestSilence = 30 * time.Second

// compare counts the posts on which the client and the server differ, after the stream
// has had time to catch up. It takes a place for reading.
func (p *person) compare(ctx context.Context, posts map[string]standing, reading places) error {
	if err := p.giveUp(); err != nil {
		return err
	}
	n := note{Kind: noteCompared, Client: p.number, Parked: p.parked}
	for range comparisons {
		p.catchUp(ctx, posts)
		var feed map[string]wire.Truth
		err := reading.do(func() (err error) {
			feed, err = readFeed(ctx, p.plain, p.posts)
			return err
		})
		if err != nil {
			return err
		}
		if n.Count, n.Why = p.differences(posts, feed); n.Count == 0 {
			break
		}
		posts = newer(posts, feed)
	}
	if broken := p.link.Load(); n.Count > 0 && broken != nil {
		n.Why += fmt.Sprintf("; its stream is broken: %v", *broken)
	}
	p.tell(n)
	if p.ledger != nil {
		held := note{Kind: noteHeld, Client: p.number, IDs: unsettled(p.service.Manager().Snapshot())}
		p.ledger.say() // earlier ends
		p.tell(held)
	}
	return nil
}

// catchUp waits for the outstanding events of the stream, as long as events arrive.
func (p *person) catchUp(ctx context.Context, posts map[string]standing) {
	seen, since := uint64(0), time.Now()
	for ctx.Err() == nil && time.Since(since) < longestSilence {
		behind, versions := false, uint64(0)
		for post, stands := range posts {
			behind = behind || p.isBehind(post, stands)
			versions += p.service.Post(post).Version
		}
		if !behind {
			return
		}
		if versions != seen {
			seen, since = versions, time.Now()
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// isBehind reports whether the stream has not told the present state of the post yet.
func (p *person) isBehind(post string, stands standing) bool {
	v := p.service.Post(post)
	if stands.Gone && v.Presence != optimist.Present {
		return false // the client need not know the post at all
	}
	return v.Version < stands.Version
}

// agree reports whether a client's view equals the server's truth. Without a state the
// post is deleted.
func agree(v optimist.View[client.Post], held wire.Truth) bool {
	if held.State == nil {
		return v.Presence != optimist.Present && v.Pending == 0
	}
	return v.Presence == optimist.Present && v.Pending == 0 && v.Value.PostState.Post == held.State.Post &&
		slices.Equal(v.Value.Comments, held.State.Comments)
}

// close ends the client. Unsettled operations stay in the journal.
func (p *person) close() {
	if p.stop != nil {
		p.stop()
	}
	p.events.Close()
	p.running.Wait()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	p.service.Close(ended)
}
