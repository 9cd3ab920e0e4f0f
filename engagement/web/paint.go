package web

import (
	"slices"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// canvas shows the painted parts. The page is one, tests have another.
type canvas interface {
	region(name string, n *Node)
	post(id string, n *Node)
	// order sets the shown posts and their order. Each of them was passed to post
	// before.
	order(ids []string)
	focus(name string)
	// draft returns the text in the field of that name; empty without such a field.
	draft(name string) string
}

// paint passes the changes since the last paint to the canvas, and stops when more
// returns false; the next paint does the rest. It reports whether all changes were
// painted.
func (a *App) paint(c canvas, now time.Time, more func() bool) (done bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == over {
		return true
	}
	a.drainLocked()
	a.followLocked()
	a.rescueLocked(c)
	d := &a.dirty
	a.chrome.Pending, a.chrome.Failed = a.waitingLocked()
	if take(&d.header) {
		c.region("header", viewHeader(a.chrome))
		c.region("tabs", viewTabs(a.chrome))
	}
	if take(&d.signIn) {
		var card *Node
		if a.chrome.User == "" && (a.visit != nil || a.first != nil) || a.chrome.SignedOut {
			m := a.signIn
			m.Again = a.chrome.User
			card = viewSignIn(m)
		}
		c.region("sign-in", card)
	}
	if take(&d.writing) {
		var card *Node
		if a.chrome.User != "" {
			card = viewWrite(a.writing)
		}
		c.region("write", card)
	}
	if take(&d.kept) {
		c.region("kept", viewKept(a.keptLocked()))
	}
	if take(&d.notices) {
		c.region("notices", viewNotices(a.notices))
	}
	if take(&d.labs) {
		lab := viewInvitation(a.chrome)
		if a.chrome.LabOpen {
			lab = viewLab(a.labLocked(now))
		}
		c.region("lab", lab)
	}
	done = a.paintPostsLocked(c, now, more)
	switch {
	case !d.order:
	case len(a.fresh) == 0:
		c.order(a.feed)
		d.order, a.turned = false, false
	case a.turned: // the posts of before must not stand below the name of these
		c.order(slices.DeleteFunc(slices.Clone(a.feed), func(id string) bool { return a.fresh[id] }))
	}
	if m := a.viewsLocked(); take(&d.views) || m != a.counted {
		a.counted = m
		c.region("views", viewViews(m))
	}
	if m := a.endLocked(); take(&d.end) || m != a.end {
		a.end = m
		c.region("end", viewEnd(m))
	}
	if a.focus != "" && (done || a.turned && (a.focus == "feed" || a.focus == "views")) { // others may not be there yet
		c.focus(a.focus)
		a.focus = ""
	}
	return done
}

// paintPostsLocked paints dirty posts in the order in which they are shown.
func (a *App) paintPostsLocked(c canvas, now time.Time, more func() bool) (done bool) {
	if len(a.dirty.posts) == 0 {
		return true
	}
	var ids []string
	few := len(a.dirty.posts) < 8 // as after a click, which must not wait for a frame
	if few {
		for id := range a.dirty.posts {
			if a.inFeed[id] {
				ids = append(ids, id)
			}
		}
	} else {
		ids = slices.DeleteFunc(slices.Clone(a.feed), func(id string) bool { return !a.dirty.posts[id] })
		if i := slices.Index(ids, a.acted); i > 0 { // a click shows in its own frame
			ids[0], ids[i] = ids[i], ids[0]
		}
	}
	for i, id := range ids {
		if i > 0 && !few && !more() {
			return false
		}
		c.post(id, viewPost(a.postLocked(id, now)))
		delete(a.dirty.posts, id)
		delete(a.fresh, id)
	}
	clear(a.dirty.posts)
	return true
}

func (a *App) postLocked(id string, now time.Time) postModel {
	m := postModel{ID: id, User: a.chrome.User, Ops: a.ops.of(id), Now: now, Held: a.heldForLocked()}
	if a.visit != nil {
		m.View = a.visit.service.Post(id)
	}
	if ui := a.posts[id]; ui != nil {
		m.UI = *ui
	}
	m.Older = m.UI.Older.View(&m.View.Value)
	return m
}

// heldForLocked names the event for which sending waits; empty: sending does not
// wait.
func (a *App) heldForLocked() string {
	switch {
	case a.chrome.SignedOut:
		return "sign-in"
	case a.holdsLocked():
		return "network"
	}
	return ""
}

// keptLocked returns the unsettled changes of posts that are not shown.
func (a *App) keptLocked() keptModel {
	m := keptModel{Stored: a.durable, Held: a.heldForLocked()}
	if m.Held == "" && !a.begunLocked() {
		m.Held = "network"
	}
	for _, o := range a.ops {
		if a.inFeed[o.Post] || o.State != opFailed && a.begunLocked() && a.visit.service.Post(o.Post).Presence == optimist.Present {
			continue // the post is a button away
		}
		m.Changes = append(m.Changes, o)
	}
	return m
}

// holdsLocked reports whether sending is stopped.
func (a *App) holdsLocked() bool {
	return !a.chrome.Online || a.chrome.Paused || a.chrome.SignedOut || a.chrome.Link == client.Broken
}

// rescueLocked copies the texts of fields that are about to disappear into
// notices.
func (a *App) rescueLocked(c canvas) {
	rescue := func(field, words string) {
		if draft := c.draft(field); draft != "" {
			a.tellLocked(&notice{Text: words, Quote: draft, Grave: true})
			a.focus = "feed"
		}
	}
	for id, gone := range a.gone {
		words := gone.why + " while you were writing this."
		rescue("new-"+id, words)
		rescue("editor-"+gone.ui.Editing, words)
	}
	if a.ended != "" {
		rescue("new-post", a.ended+" while you were writing this.")
		c.region("write", nil) // with the text in its field
		a.ended = ""
	}
	clear(a.gone)
	for id, ui := range a.posts {
		if ui.Editing == "" || a.visit == nil {
			continue
		}
		isEdited := func(c wire.Comment) bool { return c.ID == ui.Editing }
		p := a.visit.service.Post(id).Value
		if slices.ContainsFunc(p.Comments, isEdited) || slices.ContainsFunc(ui.Older.View(&p).Comments, isEdited) {
			continue
		}
		rescue("editor-"+ui.Editing, "The comment that you were editing is gone.")
		ui.Editing, a.focus, a.dirty.posts[id] = "", "new-"+id, true
	}
}

func (a *App) labLocked(now time.Time) labModel {
	v := a.panel.store.View(ownNetwork)
	return labModel{
		Nobody: a.nobodyLocked(), NoPanel: a.chrome.NoPanel, Timeline: a.times, Now: now,
		Known: v.Presence == optimist.Present, Network: v.Value, Problem: a.networkProblem,
		Names: func(entity string) string {
			if a.visit == nil {
				return ""
			}
			return a.visit.service.Post(client.PostOf(entity)).Value.Author
		},
	}
}

func (a *App) waitingLocked() (pending, failed int) {
	for _, o := range a.ops {
		if o.State == opFailed {
			failed++
		} else {
			pending++
		}
	}
	return pending, failed
}

func take(flag *bool) bool {
	was := *flag
	*flag = false
	return was
}
