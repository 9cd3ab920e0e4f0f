package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/event"
)

// ended is a context that has ended: with it, Subscription.Next does not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// drainLocked processes all pending events, and looks at the operations that are left.
func (a *App) drainLocked() {
	if a.visit == nil {
		return
	}
	for heard := false; ; heard = true {
		e, ok := a.visit.events.Next(ended)
		if !ok {
			if heard {
				a.ops = opsOf(a.visit.service.Manager().Operations())
			}
			return
		}
		a.observeLocked(e)
	}
}

func (a *App) observeLocked(e optimist.Event) {
	a.ops.accepted(e)
	a.times.observe(e)
	post := client.PostOf(e.Entity)
	if e.ID != "" {
		a.dirty.labs, a.dirty.header, a.dirty.kept = true, true, true
		a.dirty.posts[post] = true
	}
	switch e.Kind {
	case event.Changed:
		a.dirty.posts[post] = true
	case event.Conflicted:
		if words := conflictNotice(e); words != "" && a.inFeed[post] {
			a.uiLocked(post).Notice = words
		}
	case event.RolledBack:
		a.rolledBackLocked(e)
	case event.SendingPaused, event.SendingResumed:
		a.chrome.Paused = e.Kind == event.SendingPaused
		var send *optimist.SendError
		if errors.As(e.Err, &send) && send.Class == optimist.Unauthenticated {
			a.expiredLocked(a.visit)
			a.reopenLocked() // the answer may be to a call from before a sign-in
		}
		a.dirty.header = true
		a.heldLocked()
	case event.JournalFailed:
		a.durable, a.chrome.Risk = false, nowhere
		a.dirty.header = true
	case event.Gap:
		for _, id := range a.feed {
			a.dirty.posts[id] = true
		}
	}
}

// rolledBackLocked tells the user which change was undone and why, in the words of the
// page.
func (a *App) rolledBackLocked(e optimist.Event) {
	if e.Outcome == optimist.Cancelled {
		return // the user's own wish
	}
	for _, v := range e.Victims {
		if v.Cause != "" || errors.Is(v.Err, optimist.ErrClosed) {
			continue
		}
		words := map[string]string{
			"post": "Your post was not published", "delete_post": "Your post could not be deleted", "like": "Your like was undone", "save": "Your save was undone", "comment": "Your comment was not posted",
			"edit_comment": "Your edit was not saved", "delete_comment": "Your comment was not deleted",
		}[v.Type]
		if words == "" {
			words = "A change was undone"
		}
		quote := ""
		if o := a.ops.find(v.ID); o != nil {
			quote = o.Text
		}
		var refusal *client.Refusal
		if errors.As(v.Err, &refusal) && refusal.Problem.Winner != nil {
			if quote == "" {
				continue // the conflict's notice is clearer
			}
			words += ": there is a newer one"
		} else if reason := reasonOf(v.Err); reason != "" {
			words += ": " + strings.TrimSuffix(reason, ".")
		}
		a.tellLocked(&notice{Text: words + ".", Quote: quote, Grave: true})
	}
}

// Tick removes notices that have been shown for long enough. It reports whether a part
// of the page changes by the passing of time alone.
func (a *App) Tick(now time.Time) (moving bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept := slices.DeleteFunc(a.notices, func(n *notice) bool { return n.Quote == "" && now.After(n.until) })
	if len(kept) != len(a.notices) {
		a.notices, a.dirty.notices = kept, true
	}
	moving = a.chrome.LabOpen && a.times.moving(now)
	if moving {
		a.dirty.labs = true
	}
	return moving
}

// Minute updates all ages on the page.
func (a *App) Minute() {
	a.mu.Lock()
	for _, id := range a.feed {
		a.dirty.posts[id] = true
	}
	a.mu.Unlock()
	a.hooks.Wake()
}
