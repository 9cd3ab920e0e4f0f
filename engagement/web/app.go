package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/journal"
)

// firstPage is the number of posts that are read at first.
const firstPage = 20

// Hooks are the functions of the page that the App calls. Wake is required.
type Hooks struct {
	// Wake asks for a Paint soon. It may be called often, and is not called with the App's
	// lock held.
	Wake func()
	// Shared has the words that pages of the same browser share. It is also called with the
	// App's lock held. nil: this page shares none.
	Shared Shared
	// Journal opens the journal of a user's changes. When another page owns it, Journal waits
	// for it or fails with journal.ErrOwned. nil: there is no journal, and the page does not
	// warn that changes live only as long as the page. It is not called with the App's lock
	// held.
	Journal func(ctx context.Context, user string, wait bool) (Journal, error)
	// Place is the place with which the page begins: see App.Place.
	Place string
	// First is the data of the content that the server has put on the page; nil: there is
	// none.
	First *wire.First
}

// Journal is a journal that can be deleted with all its records. Its owner keeps it until
// it closes it.
type Journal interface {
	journal.Journal
	Delete(context.Context) error
}

// App is the state of the page. Make one with [NewApp], call [App.Start], and [App.Stop] at
// the end. Methods are safe for concurrent use, also with Stop, after which they have no
// effect; all but Stop return without waiting for the network.
type App struct {
	transport client.Transport
	hooks     Hooks
	ctx       context.Context // of all work that the App does by itself
	stop      context.CancelFunc
	stopping  sync.Once
	running   sync.WaitGroup // all goroutines, see spawn
	ending    sync.WaitGroup // endings of dropped visits
	panel     *panel

	// mu guards everything below.
	mu             sync.Mutex
	phase          phase
	visit          *visit      // of one user; nil before the first, and between two
	first          *wire.First // for the first visit; nil: none, or the first visit has begun
	hidden         bool        // the page is not visible
	unsure         bool        // the server did not say who is signed in
	place          string      // to go to in the next visit; empty: none
	shown          *feed       // nil: none yet
	feed           []string    // the posts of shown
	inFeed         map[string]bool
	fresh          map[string]bool     // of feed: those that were not painted since they came
	turned         bool                // other posts were chosen, and not all of them were painted since
	went           string              // the reason for which all posts leave the screen with the next look; empty: none
	problem        string              // with the session, before the feed is there
	nobody         bool                // the session has ended before posts were read
	posts          map[string]*postUI  // of posts that were shown
	gone           map[string]gonePost // posts that have left the feed, until the next paint
	chrome         chromeModel
	signIn         signInModel
	writing        writeModel
	end            feedModel  // as painted
	counted        viewsModel // as painted
	notices        []*notice
	noticed        int      // ids given to notices
	person         string   // the last signed-in user
	moving         bool     // the visit gets another client: see takeOver
	late           []Action // actions for that client, or for the first visit
	ended          string   // the reason of a visit's end, until the next paint; empty: none has ended
	networkProblem string
	ops            openOps
	durable        bool // a journal keeps the unsettled changes
	times          *timeline
	focus          string
	acted          string // post of the user's last action
	dirty          dirt

	ask chan struct{} // wakes watchSession
}

// phase is the part of its life that an App is in. Phases do not come back.
type phase uint8

const (
	idle    phase = iota // before Start
	running              // watchSession runs
	over                 // Stop was called: the user's actions and the browser's events have no effect
)

// dirt has the parts of the page that must be painted.
type dirt struct {
	posts                                                    map[string]bool
	order                                                    bool // of the feed
	header, signIn, writing, kept, views, end, notices, labs bool
}

// gonePost is a post that is no longer shown, with the reason as the beginning of a
// sentence.
type gonePost struct {
	ui  *postUI
	why string
}

// visit is the time from a user's arrival on the page to the leaving.
type visit struct {
	user    string // empty: not signed in
	stay    string // of the user when it began, see signedInKey
	service *client.Service
	events  *optimist.Subscription
	bell    *optimist.Subscription // signals new events
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup // its goroutines among those of the App, all of which end with ctx

	base *feed // of all posts, newest first; set before attend

	// Fields of attend, and after its return of the next visit.
	loaded bool   // the feed's first page has been read
	after  string // position of the stream; empty: the position of the feed's first page

	// Guarded by the App's lock.
	turn context.CancelFunc // makes attend check its work anew
	// leaving says that a sign-out was sent and not answered: the server may have carried it
	// out.
	leaving bool
}

// NewApp returns an App, which is idle until [App.Start].
func NewApp(t client.Transport, hooks Hooks) *App {
	ctx, stop := context.WithCancel(context.Background())
	a := &App{transport: t, hooks: hooks, ctx: ctx, stop: stop, ask: make(chan struct{}, 1), gone: make(map[string]gonePost)}
	if hooks.Shared == nil {
		a.hooks.Shared = &lonely{}
	}
	if _, ok := selectionAt(hooks.Place); ok {
		a.place = hooks.Place
	}
	a.panel = newPanel(t, a.networkSettled)
	a.chrome.Online = true
	a.chrome.NoPanel = hooks.First != nil && !hooks.First.Network
	a.resetLocked("", "")
	a.beginServed()
	return a
}

// resetLocked forgets the state of the previous user. why is the reason of the end of the
// previous visit, if there was one.
func (a *App) resetLocked(user, why string) {
	a.shown, a.feed, a.went, a.problem, a.nobody = nil, nil, "", "", false
	a.inFeed, a.fresh, a.turned = make(map[string]bool), make(map[string]bool), false
	for id, ui := range a.posts {
		a.gone[id] = gonePost{ui, why}
	}
	if why != "" {
		a.ended = why
	}
	if user != "" {
		a.person = user
	}
	a.posts = make(map[string]*postUI)
	a.ops, a.times = nil, &timeline{}
	a.end, a.counted = feedModel{}, viewsModel{}
	a.chrome = chromeModel{User: user, Online: a.chrome.Online, LabOpen: a.chrome.LabOpen, NoPanel: a.chrome.NoPanel}
	a.signIn, a.writing = signInModel{}, writeModel{User: user}
	a.panel.forget()
	a.networkProblem = ""
	a.dirty = dirt{posts: make(map[string]bool), order: true, header: true, signIn: true, writing: true, kept: true, views: true, end: true, notices: true, labs: true}
}

// Start asks the server for the signed-in user and shows the feed. A second Start has no
// effect, and neither has one after Stop.
func (a *App) Start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == idle {
		a.phase = running
		a.spawn(a.watchSession)
	}
}

// Stop ends the App, as the end of the page does; it returns when all goroutines of the App
// have ended. All calls of Stop return then.
func (a *App) Stop() {
	a.stopping.Do(func() {
		a.mu.Lock()
		a.phase = over
		a.mu.Unlock()
		a.stop()
		a.running.Wait()
		a.mu.Lock()
		v := a.visit
		a.visit = nil
		a.mu.Unlock()
		v.end(ended)
		a.panel.manager.Close(ended)
	})
}

// spawn begins a goroutine, for which Stop waits. Its caller is such a goroutine itself, or
// holds mu and has looked at the phase: so none begins after the last one has ended.
func (a *App) spawn(f func(context.Context)) {
	a.running.Go(func() { f(a.ctx) })
}

// SetOnline tells the App whether the browser has a network.
func (a *App) SetOnline(online bool) {
	defer a.hooks.Wake()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == over {
		return
	}
	a.chrome.Online = online
	a.dirty.header = true
	a.heldLocked()
	a.sendLocked()
	if online && (a.unsure || !a.begunLocked()) {
		a.reopenLocked()
	}
}

// SetHidden tells the App whether the page is hidden.
func (a *App) SetHidden(hidden bool) {
	defer a.hooks.Wake()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hidden = hidden
	if v := a.visit; v != nil && a.phase != over {
		if v.turn(); !hidden { // a page that slept has missed events
			if _, stay := a.remembered(); stay != v.stay {
				a.lookLocked()
				a.reopenLocked()
			}
		}
	}
}

// Unsettled returns the number of changes that the server does not have yet.
func (a *App) Unsettled() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.ops)
}

// AtRisk returns the number of changes that would be lost with the page.
func (a *App) AtRisk() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.durable {
		return len(a.late)
	}
	return len(a.ops) + len(a.late)
}

// uiLocked returns the state of a post's controls.
func (a *App) uiLocked(post string) *postUI {
	ui := a.posts[post]
	if ui == nil {
		ui = &postUI{}
		a.posts[post] = ui
	}
	return ui
}

// heldLocked marks the posts whose status text changes when sending stops or goes on.
func (a *App) heldLocked() {
	for _, o := range a.ops {
		a.dirty.posts[o.Post] = true
	}
}

// tellLocked adds a notice. A notice with a quote stays until the user closes it, or
// another user signs in.
func (a *App) tellLocked(n *notice) {
	a.noticed++
	n.ID, n.of = a.noticed, a.person
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
		full = full && !goes // one notice makes room
		return goes
	}), n)
	a.dirty.notices = true
}

// untellLocked removes notices with these texts.
func (a *App) untellLocked(texts ...string) {
	a.notices = slices.DeleteFunc(a.notices, func(n *notice) bool { return slices.Contains(texts, n.Text) })
	a.dirty.notices = true
}
