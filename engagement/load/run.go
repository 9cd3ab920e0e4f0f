package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/transport/nethttp"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Run makes all taps, waits until they are settled, and returns the counts in the report.
// An error means that the run could not be begun or not be finished: then the report, if
// there is one, has the findings until then.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	r := &runner{config: c, bar: newBar(c.Progress)}
	for _, t := range c.Troubles {
		r.courses = append(r.courses, newCourse(t, c.Taps))
	}
	r.book = newBook(c.Clients, r.tapped)
	r.book.progress = r.progress
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	err := r.tap(ctx)
	if err == nil {
		err = r.compare(ctx)
	}
	r.close()
	rep := r.book.report()
	rep.Took, rep.Kills, rep.Servers, rep.Viewers = r.took, int(r.kills.Load()), len(c.URLs), c.Viewers
	rep.PerSecond = float64(rep.Requests) / max(r.took.Seconds(), 1e-9)
	rep.Follow, rep.Sent = r.book.followed(r.watchers)
	for _, t := range r.courses {
		rep.Troubles = append(rep.Troubles, t.count())
	}
	if err == nil {
		err = r.count(ctx, rep)
	}
	if err == nil && c.Audit != nil {
		r.bar.say("auditing")
		if wrong := c.Audit(ctx, r.book.acknowledged(c.Devices)); wrong != nil {
			rep.Audit = wrong.Error()
		}
	}
	if err != nil {
		rep.BrokeOff = err.Error()
	}
	rep.Held = rep.OK()
	r.bar.end()
	return rep, err
}

var errNoPosts = errors.New("the server has no posts to tap on")

// runner is one run.
type runner struct {
	config   Config
	bar      *bar
	book     *book
	crews    []crew
	sizes    []int            // clients of each crew
	journals string           // folder
	plain    client.Transport // without a session
	posts    []string         // to tap on
	before   map[string]wire.Truth
	took     time.Duration
	kills    atomic.Int64
	courses  []*course

	watchers  []*watcher      // of each server
	watching  context.Context // ends the watchers and viewers
	unwatch   context.CancelFunc
	following sync.WaitGroup
}

func (r *runner) prepare(ctx context.Context) error {
	r.bar.say("signing in")
	if err := r.look(ctx); err != nil {
		return err
	}
	c := &r.config
	if c.Kills == 0 {
		h := &here{job: r.job(0, c.Clients), tell: r.book.take}
		if len(r.courses) > 0 {
			h.pace = r.pace
		}
		r.crews, r.sizes = []crew{h}, []int{c.Clients}
	} else {
		var err error
		if r.journals, err = os.MkdirTemp("", "load-journals"); err != nil {
			return err
		}
		for i := range c.Processes {
			from, to := c.Clients*i/c.Processes, c.Clients*(i+1)/c.Processes
			p := &process{job: r.job(from, to-from), command: c.Command, book: r.book, patience: c.Timeout + slack}
			r.crews, r.sizes = append(r.crews, p), append(r.sizes, to-from)
		}
	}
	if err := r.each(func(_ int, w crew) error { return w.start(ctx) }); err != nil {
		return err
	}
	return r.enterViewers(r.watching, &r.following)
}

// look chooses the newest posts to tap on.
func (r *runner) look(ctx context.Context) error {
	t, err := nethttp.New(r.config.URLs[0])
	if err != nil {
		return err
	}
	newest, err := readPage(ctx, patient{Transport: t}, "", min(r.config.Posts, wire.MaxPage))
	if err != nil {
		return err
	}
	r.plain = patient{Transport: t, again: true} // from now on the address is known to be a server
	r.watch(ctx, newest.After)
	if len(newest.Posts) == 0 {
		return errNoPosts
	}
	r.before = make(map[string]wire.Truth)
	for _, truth := range newest.Posts {
		r.posts = append(r.posts, truth.ID)
		r.before[truth.ID] = truth
	}
	return nil
}

// atOnce is the number of clients that sign in, or read all posts, at once: with more,
// each waits longer, and a server has bounds of its own.
const atOnce = 64

// watch follows the stream of each server.
func (r *runner) watch(ctx context.Context, after string) {
	r.watching, r.unwatch = context.WithCancel(ctx)
	for _, url := range r.config.URLs {
		w := &watcher{seen: make(map[string][]sight)}
		r.watchers = append(r.watchers, w)
		r.following.Go(func() { w.follow(r.watching, url, after) })
	}
}

func (r *runner) job(from, clients int) job {
	c := &r.config
	return job{
		URLs: c.URLs, From: from, Clients: clients, Devices: c.Devices, Posts: r.posts,
		Think: c.Think, Debounce: c.Debounce, Retries: c.Retries, Timeout: c.Timeout, Journals: r.journals,
		AtOnce: max(atOnce*clients/c.Clients, 1),
	}
}

// each calls do for all crews at once.
func (r *runner) each(do func(i int, w crew) error) error {
	errs := make([]error, len(r.crews))
	var wg sync.WaitGroup
	for i, w := range r.crews {
		wg.Go(func() { errs[i] = do(i, w) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// session signs a client in once more.
func (r *runner) session(ctx context.Context, number int) (client.Transport, error) {
	t, err := nethttp.New(r.config.URLs[number%len(r.config.URLs)])
	if err != nil {
		return nil, err
	}
	p := patient{Transport: t, again: true}
	_, err = client.SignIn(ctx, p, userOf(number, r.config.Devices))
	return p, err
}

// standings returns the states on the server of all posts of this run: the posts that
// were tapped on, the posts of operations, and all newer ones.
func (r *runner) standings(ctx context.Context) (map[string]standing, error) {
	feed, err := readFeed(ctx, r.plain, r.posts)
	if err != nil {
		return nil, err
	}
	named := r.book.posts()
	for _, post := range r.posts {
		named[post] = true
	}
	out := make(map[string]standing)
	for post, truth := range feed {
		out[post] = standing{Version: truth.Version}
	}
	for post := range named {
		if _, there := feed[post]; there {
			continue
		}
		if out[post], err = readStanding(ctx, r.plain, post); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *runner) tap(ctx context.Context) error {
	if err := r.setNetwork(true); err != nil {
		return err
	}
	r.bar.say("tapping")
	began := time.Now()
	defer func() { r.took = time.Since(began) }()
	first := 0
	taps := make([][]int, len(r.crews))
	for i, size := range r.sizes {
		for n := first; n < first+size; n++ {
			each := r.config.Taps / r.config.Clients
			if n < r.config.Taps%r.config.Clients {
				each++
			}
			taps[i] = append(taps[i], each)
		}
		first += size
	}
	if err := r.tapInTrouble(ctx, taps); err != nil {
		return err
	}
	return r.setNetwork(false)
}

// tapInTrouble makes all taps and runs all troubles. The first error ends the others.
func (r *runner) tapInTrouble(ctx context.Context, taps [][]int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	for _, c := range r.courses {
		running.Go(func() {
			if err := c.run(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	err := r.each(func(i int, w crew) error { return w.tap(ctx, taps[i]) })
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		cancel(err)
	}
	running.Wait()
	if cause := context.Cause(ctx); err == nil && cause != nil {
		err = cause
	}
	return err
}

// pace waits until a client may tap.
func (r *runner) pace(ctx context.Context) error {
	for _, c := range r.courses {
		if err := c.pace(ctx); err != nil {
			return err
		}
	}
	return nil
}

// progress shows how many clients are done.
func (r *runner) progress(kind noteKind) {
	part := map[noteKind]string{noteReady: "signing in", noteQuiet: "settling", noteCompared: "comparing"}[kind]
	r.bar.show(part, r.book.done(kind), r.config.Clients)
}

// tapped is called for every tap. At evenly spread taps it kills a process.
func (r *runner) tapped(made int) {
	for _, c := range r.courses {
		c.tapped(made)
	}
	r.bar.show("tapping", made, r.config.Taps)
	if made >= r.config.Taps {
		r.bar.say("settling")
	}
	due := min(int64(made/(r.config.Taps/(r.config.Kills+1))), int64(r.config.Kills))
	killed := r.kills.Load()
	if killed >= due || !r.kills.CompareAndSwap(killed, killed+1) {
		return
	}
	for _, i := range rand.Perm(len(r.crews)) {
		if r.crews[i].(*process).kill() {
			return
		}
	}
	r.kills.Add(-1) // all processes are starting just now: try at the next tap
}

func (r *runner) setNetwork(bad bool) error {
	if r.config.SetNetwork == nil {
		return nil
	}
	return r.config.SetNetwork(bad)
}

// compare lets all clients compare their views with the server's posts.
func (r *runner) compare(ctx context.Context) error {
	r.bar.say("comparing")
	posts, err := r.standings(ctx)
	if err != nil {
		return err
	}
	return r.each(func(_ int, w crew) error { return w.compare(ctx, posts) })
}

// count compares the number of changes of posts with the number of operations with an
// effect. The clients must have ended.
func (r *runner) count(ctx context.Context, rep *Report) error {
	r.bar.say("counting")
	after, err := r.standings(ctx) // operations given up in doubt may have arrived since the comparison
	if err != nil {
		return err
	}
	effects, err := r.book.effects(ctx, r.asker(), func(n, of int) { r.bar.show("counting", n, of) })
	if err != nil {
		return err
	}
	// Repeating requests must not have changed a post: a changed one had lost an effect.
	for post, stands := range after {
		rep.count(post, int(stands.Version)-int(r.before[post].Version), effects[post])
	}
	return nil
}

// asker repeats requests of clients that have ended.
func (r *runner) asker() ask {
	sessions := make(map[string]client.Transport)
	return func(ctx context.Context, number int, q client.Request) (client.Response, error) {
		user := userOf(number, r.config.Devices)
		if sessions[user] == nil {
			t, err := r.session(ctx, number)
			if err != nil {
				return client.Response{}, fmt.Errorf("sign %s in again: %w", user, err)
			}
			sessions[user] = t
		}
		return sessions[user].RoundTrip(ctx, q)
	}
}

// close ends all clients.
func (r *runner) close() {
	r.each(func(_ int, w crew) error { w.close(); return nil })
	r.crews = nil
	if r.unwatch != nil {
		r.unwatch()
		r.following.Wait()
	}
	if r.journals != "" {
		os.RemoveAll(r.journals)
	}
}
