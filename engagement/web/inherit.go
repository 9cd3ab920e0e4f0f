package web

import (
	"context"

	"github.com/optimist-go/optimist/engagement/wire"
)

// inherit waits until the page that owns the user's journal closes it, and takes it over,
// with the changes that the other page has left there and the changes made here meanwhile.
// The user only sees that this page stores changes from then on.
func (a *App) inherit(v *visit) {
	for v.ctx.Err() == nil {
		j, err := a.hooks.Journal(v.ctx, v.user, true)
		switch {
		case err != nil:
			return
		case a.emptied(v.ctx, j, v.user):
			j.Close() // and opened anew
			continue
		}
		a.spawn(func(context.Context) { a.takeOver(v, j) })
		return
	}
}

// takeOver restarts the client of a visit with a journal.
func (a *App) takeOver(v *visit, j Journal) {
	a.mu.Lock()
	if a.visit != v {
		a.mu.Unlock()
		j.Close()
		return
	}
	a.moving = true
	a.mu.Unlock()
	v.stop()
	v.running.Wait()
	next, err := v.service.Move(j)
	if next == nil {
		j.Close()
	}
	heir := a.newVisit(v.user, v.stay, next)
	heir.after, heir.loaded = v.after, v.loaded

	a.mu.Lock()
	late := a.late
	a.moving, a.late = false, nil
	if a.visit != v { // the user has left, or another user has come
		a.tellLateLocked(late)
		a.mu.Unlock()
		if a.hooks.Shared.Get(stayKey+v.user) != v.stay { // signed out: the journal keeps nothing
			heir.service.Manager().ClearAll()
		}
		heir.end(ended)
		return
	}
	a.drainLocked()
	heir.leaving = v.leaving
	a.visit = heir
	a.ops = nil
	a.chrome.Paused = false
	if err == nil {
		a.durable, a.chrome.Risk = true, ""
	} else {
		a.chrome.Risk = unreadable
	}
	a.dirty.header, a.dirty.kept = true, true
	a.sendLocked()
	heir.service.Restore()
	a.passOnLocked(heir, v)
	a.startLocked(heir)
	a.drainLocked()
	a.followLocked()
	a.actLateLocked(late)
	a.mu.Unlock()
	v.events.Close()
	v.bell.Close()
	a.hooks.Wake()
}

// laterLocked keeps an action that needs the client, until the client has been restarted or
// the first visit has begun. taken is as in Act.
func (a *App) laterLocked(act Action) (taken, later bool) {
	most := 0
	switch act.Name {
	case "comments", "whole":
		if a.first == nil {
			return false, false
		}
	case "post-add":
		most = wire.MaxPostText
	case "comment-add":
		most = wire.MaxCommentText
	case "like", "save", "more", "view", "by", "sort", "place", "older", "undo", "sign-out", "post-delete",
		"comment-save", "comment-delete", "comment-retry", "comment-discard":
	default:
		return false, false
	}
	if most > 0 && wire.CheckText("text", act.Value, most) != nil {
		return false, false // the client returns the same error without an effect
	}
	a.late = append(a.late, act)
	return most > 0, true
}

// actLateLocked carries out actions that laterLocked has kept.
func (a *App) actLateLocked(late []Action) {
	for _, act := range late {
		if taken := a.actLocked(act); !taken {
			a.tellLateLocked([]Action{act})
		}
	}
}

// tellLateLocked quotes the texts of actions that could not be carried out.
func (a *App) tellLateLocked(late []Action) {
	for _, act := range late {
		if act.Name == "post-add" || act.Name == "comment-add" {
			a.tellLocked(&notice{Text: "This was not posted.", Quote: act.Value, Grave: true})
		}
	}
}

// passOnLocked gives a visit's heir its feeds, and the older comments beside them.
func (a *App) passOnLocked(heir, v *visit) {
	shown := a.shown
	heir.base = a.resumeLocked(heir, v, v.base)
	a.shown = heir.base
	if shown != v.base {
		a.shown = a.resumeLocked(heir, v, shown)
		shown.closeLocked()
		if !a.shown.begun {
			a.loadLocked(a.shown)
		}
	}
	v.base.closeLocked()
	for _, ui := range a.posts {
		if ui.Older != nil {
			ui.Older, _ = ui.Older.Resume(heir.service) // an error says that the heir has ended as well
		}
	}
}
