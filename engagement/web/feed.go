package web

import (
	"context"
	"slices"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/list"
)

// feed is a list of posts, as far as the server has told it. Until its first page is there,
// the posts that the page knows anyway stand in for it.
type feed struct {
	service *client.Service
	of      wire.Selection
	list    *list.List[client.Post]
	// Guarded by the App's lock.
	known   *list.List[client.Post] // stands in; nil: nothing does
	begun   bool                    // the first page is there
	busy    bool                    // a page is read that the user has asked for
	asked   int                     // how often the user has asked for one
	problem string                  // of the last read

	// next tells of the list that is shown, and stop ends it; nil: nobody has looked.
	next  func() (list.Splice[client.Post], bool)
	stop  func()
	state list.State

	recounted time.Time // when its total was last asked for because nobody could say whether it counts a change
}

// openLocked returns a feed of a visit that nobody looks at yet.
func (a *App) openLocked(v *visit, of wire.Selection, first *wire.Page) *feed {
	f := &feed{service: v.service, of: of}
	l, err := v.service.List(of, client.ListOptions{First: first, FirstSize: firstPage, Report: a.reporter(f)})
	if err != nil { // the page is not what a server tells
		return nil
	}
	f.list, f.begun = l, first != nil
	return f
}

// resumeLocked is a feed of a visit's heir, with the posts that the visit's had.
func (a *App) resumeLocked(heir, v *visit, old *feed) *feed {
	if !old.begun {
		return a.openLocked(heir, old.of, nil)
	}
	f := &feed{service: heir.service, of: old.of, begun: true}
	l, err := heir.service.Resume(old.list, v.service, old.of, client.ListOptions{Report: a.reporter(f)})
	if err != nil {
		return a.openLocked(heir, old.of, nil)
	}
	f.list = l
	return f
}

// reporter keeps the problem with the reads of a feed, which go on by themselves.
func (a *App) reporter(f *feed) func(error) {
	return func(err error) {
		a.mu.Lock()
		f.problem = ""
		if err != nil {
			f.problem = notLoaded(err)
		}
		a.mu.Unlock()
		a.hooks.Wake()
	}
}

func notLoaded(err error) string {
	return "The posts could not be loaded: " + reasonOf(asSilence(err)) + "."
}

// restLocked ends the look at a feed.
func (f *feed) restLocked() {
	if f.stop != nil {
		f.stop()
	}
	if f.known != nil {
		f.known.Close()
	}
	f.next, f.stop, f.known = nil, nil, nil
}

func (f *feed) closeLocked() {
	if f != nil {
		f.restLocked()
		f.service.CloseList(f.list)
	}
}

// selectLocked shows the posts of a selection.
func (a *App) selectLocked(of wire.Selection) {
	a.place = ""
	v := a.visit
	if v == nil || v.base == nil || a.shown == nil || a.shown.of == of {
		return
	}
	if a.shown == v.base {
		v.base.restLocked()
	} else {
		a.shown.closeLocked()
	}
	a.shown, a.turned, a.went = v.base, len(a.feed) > 0, "You went on to other posts"
	if f := a.openLocked(v, of, nil); of != v.base.of && f != nil {
		f.known, _ = v.service.Known(of)
		a.shown = f
		a.loadLocked(f)
	}
	a.dirty.views, a.dirty.end = true, true
}

// loadLocked reads the next page of a feed.
func (a *App) loadLocked(f *feed) {
	v := a.visit
	if f.busy {
		return
	}
	f.busy = true
	f.asked++
	asked := f.asked
	a.spawnFor(v, func() {
		err := f.list.More(v.ctx)
		a.mu.Lock()
		if f.asked == asked { // else the page was seen before, and the user has asked for another one
			f.busy = false
		}
		a.readLocked(f, err)
		a.mu.Unlock()
		a.hooks.Wake()
	})
}

// readLocked notes the end of a load.
func (a *App) readLocked(f *feed, err error) {
	switch {
	case err == nil:
		f.begun, f.problem = true, ""
	case f.problem == "":
		f.problem = notLoaded(err)
	}
	a.dirty.kept = true
}

// followLocked takes the changes of the shown feed.
func (a *App) followLocked() {
	f := a.shown
	if f == nil || !f.begun && f.known == nil {
		return
	}
	if f.begun && f.known != nil {
		f.restLocked()
	}
	if f.next == nil {
		source := f.list
		if f.known != nil {
			source = f.known
		}
		f.next, f.stop = source.Pull()
	}
	for s, ok := f.next(); ok; s, ok = f.next() {
		if f.state.Loading && !s.State.Loading {
			f.busy = false // in the same paint in which the page comes
		}
		if f.state = s.State; s.Reset {
			a.refillLocked(s.Rows)
		}
		for _, e := range s.Edits {
			a.editLocked(e)
		}
	}
	a.recountLocked(f)
}

// recountLocked asks the server again when a total may count a change twice or not at all, which
// nobody can know of a change that was under way while the posts were counted.
func (a *App) recountLocked(f *feed) {
	total := f.state.Total
	if !f.begun || !total.Known || total.Exact || f.state.Loading || len(a.ops) > 0 || a.holdsLocked() || time.Since(f.recounted) < recountPause {
		return
	}
	v := a.visit
	f.recounted = time.Now()
	a.spawnFor(v, func() {
		f.list.Refetch(v.ctx)
		a.hooks.Wake()
	})
}

const recountPause = 3 * time.Second

func (a *App) refillLocked(rows list.Rows[client.Post]) {
	there := make(map[string]bool, rows.Len())
	ids := make([]string, 0, rows.Len())
	for _, row := range rows.All() {
		there[row.ID] = true
		ids = append(ids, row.ID)
		if !a.inFeed[row.ID] {
			a.dirty.posts[row.ID], a.fresh[row.ID] = true, true
		}
	}
	for _, id := range a.feed {
		if !there[id] {
			a.goneLocked(id)
		}
	}
	a.feed, a.inFeed = ids, there
	a.went = ""
	a.dirty.order, a.dirty.kept = true, true
}

func (a *App) editLocked(e list.Edit[client.Post]) {
	id := e.Row.ID
	switch e.Kind {
	case list.Insert:
		a.feed = slices.Insert(a.feed, e.At, id)
		a.inFeed[id], a.dirty.posts[id], a.fresh[id] = true, true, true
		delete(a.gone, id)
	case list.Remove:
		id = a.feed[e.At]
		a.feed = slices.Delete(a.feed, e.At, e.At+1)
		delete(a.inFeed, id)
		a.goneLocked(id)
	case list.Move:
		a.feed = slices.Insert(slices.Delete(a.feed, e.From, e.From+1), e.At, id)
	default:
		a.dirty.posts[id] = true
		return
	}
	a.dirty.order, a.dirty.kept = true, true
}

// goneLocked notes that a post leaves the screen, perhaps with an unfinished text.
func (a *App) goneLocked(id string) {
	ui := a.posts[id]
	delete(a.fresh, id)
	if id == a.acted && a.focus == "" {
		a.acted, a.focus = "", "feed" // the keyboard goes on from there
	}
	if ui == nil {
		return
	}
	why := a.went
	if view := a.visit.service.Post(id); view.Presence != optimist.Present {
		delete(a.posts, id)
		ui.Older.Close()
		if why = "The post was deleted"; view.Version == 0 {
			why = "The post was not published"
		}
	} else if why == "" {
		why = "The post left this list"
	}
	a.gone[id] = gonePost{ui, why}
}

// begunLocked reports whether the feed's first page is there.
func (a *App) begunLocked() bool { return a.visit != nil && a.visit.base != nil && a.visit.base.begun }

// endLocked is the end of the shown posts.
func (a *App) endLocked() feedModel {
	m := feedModel{User: a.chrome.User, Nobody: a.nobody, Problem: a.problem, Posts: len(a.feed)}
	f := a.shown
	if f == nil {
		return m
	}
	m.Of, m.Loaded, m.More, m.Busy = f.of, f.begun, f.state.More, f.busy
	m.Local = f.known != nil
	if f.busy || !f.begun {
		m.Held = a.heldForLocked()
	}
	if f.problem != "" || f.begun {
		m.Problem = f.problem
	}
	return m
}

// loadFirst reads the first page of a visit's feed, as long as ctx lasts.
func (a *App) loadFirst(ctx context.Context, v *visit) error {
	err := v.base.list.More(ctx)
	if ctx.Err() != nil && err != nil {
		return err
	}
	a.mu.Lock()
	a.readLocked(v.base, err)
	if err == nil {
		a.problem = ""
	}
	a.mu.Unlock()
	a.hooks.Wake()
	return err
}
