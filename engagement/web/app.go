package web

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
)

// firstPage and nextPage are how many posts are read at a time.
const (
	firstPage = 20
	nextPage  = 100
)

// Hooks are what the App needs of the page that it is on. All but Journal are required; none
// is called with the App's lock held.
type Hooks struct {
	// Wake asks for a Paint soon. It may be called often.
	Wake func()
	// SessionChanged says that this page opened or ended a session, which pages of
	// the same browser share.
	SessionChanged func()
	// Journal opens the journal of a user's changes. Nil: there is none, and it
	// goes without saying that changes live as long as the page.
	Journal func(ctx context.Context, user string) (optimist.Journal, error)
}

// App is the state of the page. Make one with NewApp, Start it, Stop it. Methods
// are safe for concurrent use, and return without waiting for the network.
type App struct {
	transport client.Transport
	hooks     Hooks
	ctx       context.Context // of everything that the App does by itself
	stop      context.CancelFunc
	running   sync.WaitGroup
	panel     *panel

	// mu guards everything below.
	mu             sync.Mutex
	visit          *visit // of one user; nil before the first, and between two
	hidden         bool   // nobody sees the page
	unsure         bool   // the server did not say who is signed in
	feed           []string
	inFeed         map[string]bool
	next           string
	posts          map[string]*postUI // of the feed
	gone           map[string]*postUI // of posts that have left it, until the next paint
	chrome         chromeModel
	signIn         signInModel
	writing        writeModel
	end            feedModel
	notices        []*notice
	noticed        int // ids given to notices
	networkProblem string
	ops            *opTracker
	durable        bool // a journal keeps what is unsettled
	times          *timeline
	focus          string
	acted          string // post that the user did something on last
	dirty          dirt

	ask chan struct{} // wakes watchSession
}

// dirt is what has to be painted.
type dirt struct {
	posts                                       map[string]bool
	order                                       bool // of the feed
	header, signIn, writing, end, notices, labs bool
}

// visit is one user's time at the page.
type visit struct {
	service *client.Service
	events  *optimist.Subscription
	bell    *optimist.Subscription // tells that there are events
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup // goroutines, all of which end with ctx

	// Guarded by the App's lock.
	turn context.CancelFunc // makes attend look anew at what is to do
	over bool               // the user has signed out
}

// NewApp returns an App that does nothing yet.
func NewApp(t client.Transport, hooks Hooks) *App {
	ctx, stop := context.WithCancel(context.Background())
	a := &App{transport: t, hooks: hooks, ctx: ctx, stop: stop, ask: make(chan struct{}, 1), gone: make(map[string]*postUI)}
	a.panel = newPanel(t, a.networkSettled)
	a.resetLocked("")
	a.chrome.Online = true
	return a
}

// resetLocked forgets everything about the user who was there.
func (a *App) resetLocked(user string) {
	a.feed, a.inFeed, a.next = nil, make(map[string]bool), ""
	for id, ui := range a.posts {
		a.gone[id] = ui
	}
	a.posts = make(map[string]*postUI)
	a.ops, a.times = newOpTracker(), &timeline{}
	a.end = feedModel{}
	a.chrome = chromeModel{User: user, Online: a.chrome.Online, LabOpen: a.chrome.LabOpen}
	a.signIn, a.writing = signInModel{}, writeModel{User: user}
	a.panel.forget()
	a.networkProblem = ""
	a.dirty = dirt{posts: make(map[string]bool), order: true, header: true, signIn: true, writing: true, end: true, notices: true, labs: true}
}

// Start finds out who is signed in and shows the feed.
func (a *App) Start() { a.spawn(a.watchSession) }

// Stop ends everything; it returns when nothing of the App runs any more.
func (a *App) Stop() {
	a.stop()
	a.running.Wait()
	a.mu.Lock()
	v := a.visit
	a.visit = nil
	a.mu.Unlock()
	v.end(context.Background())
	a.panel.manager.Close(over)
}

func (a *App) spawn(f func(context.Context)) {
	a.running.Go(func() { f(a.ctx) })
}

// end lets go of a visit. What is unsettled has until ctx ends.
func (v *visit) end(ctx context.Context) error {
	if v == nil {
		return nil
	}
	v.stop()
	v.running.Wait()
	err := v.service.Close(ctx)
	v.events.Close()
	v.bell.Close()
	return err
}

// begin starts a visit of the user. The one before must have ended.
func (a *App) begin(user string) error {
	journal, risk := a.journalOf(user)
	s, err := client.New(client.Options{Transport: a.transport, User: user, Journal: journal})
	if err != nil && journal != nil { // it cannot be read: better without than not at all
		journal.Close()
		journal, risk = nil, unreadable
		s, err = client.New(client.Options{Transport: a.transport, User: user})
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(a.ctx)
	v := &visit{
		service: s,
		events:  s.Manager().Subscribe(optimist.SubscribeOptions{Args: true, Buffer: 8192}),
		bell:    s.Manager().Subscribe(optimist.SubscribeOptions{Buffer: 1}),
		ctx:     ctx,
		stop:    stop,
		turn:    func() {},
	}
	if err := s.Restore(); err != nil {
		v.end(over)
		return err
	}
	a.mu.Lock()
	a.resetLocked(user)
	a.visit = v
	a.chrome.Risk = risk
	a.durable = journal != nil
	a.sendLocked()
	if a.chrome.LabOpen {
		a.spawn(a.readNetwork)
	}
	a.mu.Unlock()
	v.running.Go(func() {
		for range v.bell.All(ctx) {
			a.hooks.Wake()
		}
	})
	v.running.Go(func() { a.attend(v) })
	return nil
}

// Why changes would be lost with the page, in words for people.
const (
	elsewhere  = "Another tab stores your unsent changes; those made here are lost when this page closes"
	nowhere    = "This browser stores nothing; unsent changes are lost when this page closes"
	unreadable = "What was stored cannot be read; unsent changes are lost when this page closes"
)

// journalOf opens the user's journal, or says why there is none.
func (a *App) journalOf(user string) (j optimist.Journal, risk string) {
	if user == "" || a.hooks.Journal == nil {
		return nil, ""
	}
	j, err := a.hooks.Journal(a.ctx, user)
	switch {
	case errors.Is(err, optimist.ErrJournalOwned):
		return nil, elsewhere
	case err != nil:
		return nil, nowhere
	}
	return j, ""
}

// SetOnline tells what the browser says about the network.
func (a *App) SetOnline(online bool) {
	a.mu.Lock()
	a.chrome.Online = online
	a.dirty.header = true
	a.heldLocked()
	a.sendLocked()
	if online && (a.unsure || !a.end.Loaded) {
		a.reopenLocked()
	}
	a.mu.Unlock()
	a.hooks.Wake()
}

// SetHidden tells whether somebody sees the page.
func (a *App) SetHidden(hidden bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hidden = hidden
	if a.visit != nil {
		a.visit.turn()
	}
}

// Unsettled reports how many changes the server does not have yet.
func (a *App) Unsettled() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ops.total()
}

// AtRisk reports how many changes would be lost with the page.
func (a *App) AtRisk() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.durable {
		return 0
	}
	return a.ops.total()
}

// uiLocked is what the user has opened on a post.
func (a *App) uiLocked(post string) *postUI {
	ui := a.posts[post]
	if ui == nil {
		ui = &postUI{}
		a.posts[post] = ui
	}
	return ui
}

// heldLocked marks the posts whose words change when sending stops or goes on.
func (a *App) heldLocked() {
	for entity := range a.ops.posts {
		a.dirty.posts[postOf(entity)] = true
	}
}

// postOf is the id of the post that an event is about.
func postOf(entity string) string {
	const prefix = "post:"
	if len(entity) > len(prefix) && entity[:len(prefix)] == prefix {
		return entity[len(prefix):]
	}
	return entity
}

// tellLocked adds a notice. Those with a quote stay until they are closed.
func (a *App) tellLocked(n *notice) {
	a.noticed++
	n.ID = a.noticed
	switch {
	case n.Undo != nil:
		n.until = time.Now().Add(client.Regret)
	case n.Grave:
		n.until = time.Now().Add(time.Minute)
	default:
		n.until = time.Now().Add(12 * time.Second)
	}
	full := len(a.notices) > 3
	a.notices = append(slices.DeleteFunc(a.notices, func(old *notice) bool {
		goes := old.Text == n.Text && old.Quote == n.Quote || full && old.Quote == ""
		full = full && !goes // one makes room
		return goes
	}), n)
	a.dirty.notices = true
}
