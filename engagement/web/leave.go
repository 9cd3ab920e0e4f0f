package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
)

// grace is the time for unsettled changes when the user signs out.
const grace = 3 * time.Second

// Reasons of a visit's end, as the beginning of a sentence.
const (
	byHere      = "You signed out"
	byOther     = "You signed out in another tab"
	bySuccessor = "Somebody else signed in"
)

// stillIn is the notice after a failed sign-out, removed when it is no longer true.
const stillIn = "Signing out did not reach the server. You are still signed in."

// signOutLocked ends the session, and only then deletes the unsent changes: signing out
// leaves no data behind in this browser.
func (a *App) signOutLocked() {
	v := a.visit
	if v == nil || a.chrome.Leaving {
		return
	}
	a.chrome.Leaving, a.dirty.header = true, true
	a.untellLocked(stillIn)
	held := a.holdsLocked()
	a.hooks.Shared.Set(leavingKey, v.user)
	a.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, 5*grace)
		defer cancel()
		if !held {
			short, cancel := context.WithTimeout(ctx, grace)
			v.service.Manager().Flush(short)
			cancel()
		}
		err := client.SignOut(ctx, a.transport)
		if err != nil && !errors.Is(err, client.ErrUnreachable) { // the request may have reached the server
			if now, e := client.CurrentSession(ctx, a.transport); e == nil && now.Name != v.user {
				err = nil
			}
		}
		a.mu.Lock()
		a.chrome.Leaving, a.dirty.header = false, true
		switch {
		case err == nil:
			a.hasLeftLocked(v.user, byHere)
		case a.visit != nil && a.visit.stay == v.stay: // v, or its heir
			a.visit.leaving = !errors.Is(err, client.ErrUnreachable)
			a.tellLocked(&notice{Text: stillIn, Grave: true})
			a.hooks.Shared.Set(leavingKey, "")
		}
		a.mu.Unlock()
		a.hooks.Wake()
	})
}

// hasLeftLocked records that the user has signed out, for the present and future pages of
// this browser.
func (a *App) hasLeftLocked(user, why string) {
	a.setLeft(user, true)
	a.hooks.Shared.Set(stayKey+user, "")
	if was, _ := a.remembered(); was == user {
		a.hooks.Shared.Set(signedInKey, "")
	}
	a.hooks.Shared.Set(leavingKey, "")
	if v := a.visit; v != nil && v.user == user {
		a.dropLocked(v, why)
	} else {
		a.spawn(func(ctx context.Context) { a.deleteJournal(ctx, user, true) })
	}
	a.reopenLocked()
}

// Look checks whether another page has ended or begun a session, and asks the server.
func (a *App) Look() {
	defer a.hooks.Wake()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != over {
		a.lookLocked()
		a.reopenLocked()
	}
}

// lookLocked drops the visit of a user who has signed out elsewhere. It does not ask the
// server: the content of the screen goes at once.
func (a *App) lookLocked() {
	v := a.visit
	if v == nil || v.user == "" {
		return
	}
	user, stay := a.remembered()
	if stay != v.stay && (user == "" || user == v.user || a.hasLeft(v.user)) {
		a.dropLocked(v, byOther)
	}
}

// dropLocked ends the visit of a user who has signed out, lists the unsent changes, and
// deletes the journal. After the next paint the screen shows no more of the visit.
func (a *App) dropLocked(v *visit, why string) {
	a.drainLocked()
	if !a.tellLostLocked(why) && why != byHere {
		a.tellLocked(&notice{Text: why + "."})
	}
	a.untellLocked(stillIn)
	a.visit = nil
	a.resetLocked("", why)
	a.ending.Add(1)
	a.spawn(func(ctx context.Context) {
		v.service.Manager().ClearAll()
		v.end(ended)
		a.ending.Done()
		a.deleteJournal(ctx, v.user, true)
	})
}

// leave ends the visit because another user is signed in. Changes in the journal stay there
// for their user; lost changes are listed.
func (a *App) leave(v *visit) {
	if v == nil {
		return
	}
	a.mu.Lock()
	if a.visit != v { // the visit was dropped
		a.mu.Unlock()
		return
	}
	a.drainLocked()
	if !a.durable {
		a.tellLostLocked(bySuccessor)
	}
	if v.user == "" { // a person who signs in, or whose page was read without a session
		a.place = a.placeLocked()
	}
	a.visit = nil
	a.resetLocked("", bySuccessor)
	a.mu.Unlock()
	v.end(ended)
}

// tellLostLocked lists the changes that the server does not have, if there are any.
func (a *App) tellLostLocked(why string) bool {
	var texts []string
	for _, o := range a.ops {
		if o.Text != "" && !slices.Contains(texts, o.Text) {
			texts = append(texts, o.Text)
		}
	}
	if len(a.ops) == 0 {
		return false
	}
	a.tellLocked(&notice{Text: why + ". Some changes had not been sent yet and were undone.", Quote: strings.Join(texts, "\n"), Grave: true})
	return true
}

// finishLeaving carries out a sign-out during which its page was closed.
func (a *App) finishLeaving(ctx context.Context) error {
	user := a.hooks.Shared.Get(leavingKey)
	if user == "" {
		return nil
	}
	if err := client.SignOut(ctx, a.transport); err != nil {
		return err
	}
	a.mu.Lock()
	a.hasLeftLocked(user, byHere)
	a.mu.Unlock()
	return nil
}

// deleteJournal deletes the journal of a user who has left. With wait it waits for an owner
// of the journal; without, it does nothing while there is one.
func (a *App) deleteJournal(ctx context.Context, user string, wait bool) {
	switch {
	case !a.hasLeft(user):
		return
	case a.hooks.Journal == nil:
		a.setLeft(user, false)
		return
	}
	j, err := a.hooks.Journal(ctx, user, wait)
	if err != nil {
		return
	}
	defer j.Close()
	if a.emptied(ctx, j, user) {
		return
	}
	if records, err := j.Load(); err == nil && len(records) == 0 { // opening has created it
		j.Delete(ctx)
	}
}

// emptied deletes a journal if its user has left. The caller owns the journal.
func (a *App) emptied(ctx context.Context, j Journal, user string) bool {
	if !a.hasLeft(user) {
		return false
	}
	if j.Delete(ctx) == nil {
		a.setLeft(user, false)
	}
	return true
}
