package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/filejournal"
)

// person is one client.
type person struct {
	number  int
	tell    func(note)
	service *client.Service
	plain   client.Transport // its session, without notes
	posts   []string
	running sync.WaitGroup // follows the stream, and passes on events
	events  *optimist.Subscription
	ledger  *ledger // nil: no journal
	stop    context.CancelFunc

	comments []written // its own, that may still be there
}

type written struct{ post, id string }

// eventBuffer is so large that no event is missed.
const eventBuffer = 1 << 20

// newPerson signs in and brings back what an earlier life left in the journal.
func newPerson(ctx context.Context, j job, n int, tell func(note)) (*person, error) {
	t, err := nethttp.New(j.URL)
	if err != nil {
		return nil, err
	}
	p := &person{number: n, plain: t, tell: tell}
	if _, err := client.SignIn(ctx, t, userOf(n, j.Devices)); err != nil {
		return nil, err
	}
	o := client.Options{Transport: noting{t, n, tell}, User: userOf(n, j.Devices), Policy: policy}
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
	feed, err := p.enter(ctx, j)
	if err != nil {
		p.close()
		return nil, err
	}
	p.posts = feed.Posts
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	p.running.Go(func() { p.service.Follow(following, feed.After, nil) })
	return p, nil
}

// enter brings back what is in the journal and loads the feed. Until that has worked
// the client is offline: nothing has ended when the ledger opens, and when the client
// is given up, to be made anew, no call of it is under way. One cut off then could be
// told as sent and not be so.
func (p *person) enter(ctx context.Context, j job) (client.Feed, error) {
	m := p.service.Manager()
	if err := m.SetOnline(false); err != nil {
		return client.Feed{}, err
	}
	if err := p.service.Restore(); err != nil {
		return client.Feed{}, err
	}
	if p.ledger != nil {
		p.ledger.open(m)
	}
	feed, err := p.service.Load(ctx, "", min(j.Posts, 100))
	switch {
	case err != nil:
		return client.Feed{}, err
	case len(feed.Posts) == 0:
		return client.Feed{}, errNoPosts
	}
	return feed, m.SetOnline(true)
}

func userOf(client, devices int) string { return fmt.Sprintf("load%d", client/devices) }

// tapOften makes n taps with pauses, and waits until all is settled.
func (p *person) tapOften(ctx context.Context, n int, think time.Duration) error {
	made := make(chan *optimist.Handle, n)
	var promising sync.WaitGroup
	promising.Go(func() { p.promise(ctx, made) })
	defer promising.Wait()
	defer close(made)
	for range n {
		if think > 0 {
			select {
			case <-time.After(time.Duration(rand.ExpFloat64() * float64(think))):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		h, err := p.tap(ctx)
		if err != nil {
			return err
		}
		made <- h
	}
	return p.service.Manager().Flush(ctx)
}

// promise tells of the operations that are durable, in the order of the taps.
func (p *person) promise(ctx context.Context, made <-chan *optimist.Handle) {
	for h := range made {
		if p.ledger != nil && h.Await(ctx, optimist.Durable) == nil {
			p.tell(note{Kind: noteDurable, Client: p.number, ID: h.ID()})
		}
	}
}

// tap does what people do: mostly likes, some saves, now and then a comment, which
// is sometimes edited and sometimes deleted.
func (p *person) tap(ctx context.Context) (*optimist.Handle, error) {
	post := p.posts[rand.IntN(len(p.posts))]
	began := time.Now()
	var h *optimist.Handle
	var err error
	switch dice := rand.IntN(100); {
	case dice < 60:
		var tap *client.LikeTap
		if tap, err = p.service.Likes.Toggle(ctx, post); err == nil {
			h = tap.Handle
		}
	case dice < 85:
		var tap *client.SaveTap
		if tap, err = p.service.Saves.Toggle(ctx, post); err == nil {
			h = tap.Handle
		}
	case dice < 93 || len(p.comments) == 0:
		var id string
		id, h, err = p.service.Comments.Add(ctx, post, fmt.Sprintf("comment %d", rand.IntN(1000)))
		p.comments = append(p.comments, written{post, id})
	default:
		i := rand.IntN(len(p.comments))
		c := p.comments[i]
		if dice < 97 {
			h, err = p.service.Comments.Edit(ctx, c.post, c.id, fmt.Sprintf("edited %d", rand.IntN(1000)))
		} else {
			h, err = p.service.Comments.Delete(ctx, c.post, c.id)
			p.comments = slices.Delete(p.comments, i, i+1)
		}
	}
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	p.tell(note{Kind: noteTapped, Client: p.number, ID: h.ID(), At: began, Took: took})
	return h, nil
}

// passOn tells what the manager does, until its subscription is closed.
func (p *person) passOn() {
	for e := range p.events.All(context.Background()) {
		n := note{Client: p.number, ID: e.ID}
		switch e.Kind {
		case optimist.OpAccepted:
			if p.ledger != nil {
				continue // it tells
			}
			n.Kind = noteAccepted
		case optimist.OpRetrying:
			n.Kind = noteRetrying
		case optimist.OpConflicted:
			n.Kind, n.Already = noteConflicted, e.Resolution == optimist.AlreadySo
		case optimist.OpsRolledBack:
			n.Kind, n.Count = noteRolledBack, len(e.Victims)
		case optimist.OpSettled:
			n.Kind, n.At, n.Outcome, n.Successor = noteSettled, e.At, e.Outcome, e.Successor
		case optimist.Gap:
			n.Kind, n.Count = noteMissed, e.Missed
		default:
			continue
		}
		p.tell(n)
	}
}

// catchUp is how long the streams have to tell the last of the news.
const catchUp = 30 * time.Second

// compare counts the posts that the client sees otherwise than the server holds them,
// after its stream has had time to say the last.
func (p *person) compare(ctx context.Context, versions map[string]uint64) error {
	deadline := time.Now().Add(catchUp)
	n := note{Kind: noteCompared, Client: p.number, Parked: p.service.Manager().Snapshot().Parked}
	for _, post := range p.posts {
		for p.service.Post(post).Version < versions[post] && time.Now().Before(deadline) && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		truth, err := readPost(ctx, p.plain, post)
		if err != nil {
			return err
		}
		v := p.service.Post(post)
		if truth.State == nil || v.Pending > 0 || v.Value.PostState.Post != truth.State.Post || !slices.Equal(v.Value.Comments, truth.State.Comments) {
			n.Count++
			n.Why = fmt.Sprintf("%s sees %+v (version %d, %d pending), the server holds %+v (version %d)",
				p.service.User(), v.Value.PostState.Post, v.Version, v.Pending, truth.State.Post, truth.Version)
		}
	}
	p.tell(n)
	if p.ledger != nil {
		held := note{Kind: noteHeld, Client: p.number, IDs: unsettled(p.service.Manager().Snapshot())}
		p.ledger.say() // what has ended before
		p.tell(held)
	}
	return nil
}

// close ends the client. What has not settled stays in the journal.
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

// readPost reads a post from the server, past all clients.
func readPost(ctx context.Context, t client.Transport, post string) (wire.Truth, error) {
	a, err := t.RoundTrip(ctx, client.Request{Method: "GET", Path: "/v1/posts/" + post})
	if err != nil {
		return wire.Truth{}, err
	}
	truth, err := wire.DecodeTruth(a.Body)
	if err != nil {
		err = fmt.Errorf("read of %s: status %d: %w", post, a.Status, err)
	}
	return truth, err
}

// noting is a transport that tells of each operation that leaves, and of what the
// server says about it.
type noting struct {
	client.Transport
	number int
	tell   func(note)
}

func (t noting) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	if r.Key == "" {
		return t.Transport.RoundTrip(ctx, r)
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
