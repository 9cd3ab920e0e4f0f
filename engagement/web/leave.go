package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
)

// grace is how long unsettled changes have when somebody signs out.
const grace = 3 * time.Second

// Why a visit ended, as the beginning of a sentence.
const (
	byHere      = "You signed out"
	byOther     = "You signed out in another tab"
	bySuccessor = "Somebody else signed in"
)

// stillIn is told when signing out did not work, and untold when it is no longer so.
const stillIn = "Signing out did not reach the server. You are still signed in."

// signOutLocked ends the session, and only then forgets what the server does not have:
// who signs out leaves nothing behind in this browser.
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
		ctx, cancel := within(ctx, 5*grace)
		defer cancel()
		if !held {
			short, cancel := within(ctx, grace)
			v.service.Manager().Flush(short)
			cancel()
		}
		err := client.SignOut(ctx, a.transport)
		if err != nil && !errors.Is(err, client.ErrUnreachable) { // it may have come that far
			if now, e := client.CurrentSession(ctx, a.transport); e == nil && now.Name != v.user {
				err = nil
			}
		}
		a.mu.Lock()
		a.chrome.Leaving, a.dirty.header = false, true
		switch {
		case err == nil:
			a.hasLeftLocked(v.user, byHere)
		case a.visit == v:
			v.leaving = !errors.Is(err, client.ErrUnreachable)
			a.tellLocked(&notice{Text: stillIn, Grave: true})
			a.hooks.Shared.Set(leavingKey, "")
		}
		a.mu.Unlock()
		a.hooks.Wake()
	})
}

// hasLeftLocked notes that the user has signed out: for the pages of this browser, and for
// those to come.
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

// Look looks whether another page has ended or begun a session, and asks the server.
func (a *App) Look() {
	a.mu.Lock()
	a.lookLocked()
	a.reopenLocked()
	a.mu.Unlock()
	a.hooks.Wake()
}

// lookLocked drops the visit of a user who has signed out elsewhere. It asks nobody: what
// is on the screen goes at once.
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

// dropLocked ends the visit of a user who has signed out, tells what was unsent, and
// deletes what is stored. Nothing of it is on the screen when the next paint is done.
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
		v.end(over)
		a.ending.Done()
		a.deleteJournal(ctx, v.user, true)
	})
}

// leave ends the visit because somebody else is signed in. What the journal holds stays
// there for the user; what is lost is told.
func (a *App) leave(v *visit) {
	if v == nil {
		return
	}
	a.mu.Lock()
	if a.visit != v { // it was dropped
		a.mu.Unlock()
		return
	}
	a.drainLocked()
	if !a.durable {
		a.tellLostLocked(bySuccessor)
	}
	a.visit = nil
	a.resetLocked("", bySuccessor)
	a.mu.Unlock()
	v.end(over)
}

// tellLostLocked tells of the changes that the server does not have, if there are any.
func (a *App) tellLostLocked(why string) bool {
	var texts []string
	for _, list := range a.ops.posts {
		for _, o := range list {
			if o.Text != "" && !slices.Contains(texts, o.Text) {
				texts = append(texts, o.Text)
			}
		}
	}
	if a.ops.total() == 0 {
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

// deleteJournal deletes the journal of a user who has left. It waits for its owner, or does
// nothing as long as there is one.
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
	if records, err := j.Load(); err == nil && len(records) == 0 { // opening has made it
		j.Delete(ctx)
	}
}

// emptied deletes a journal if its user has left. Who calls it owns the journal.
func (a *App) emptied(ctx context.Context, j Journal, user string) bool {
	if !a.hasLeft(user) {
		return false
	}
	if j.Delete(ctx) == nil {
		a.setLeft(user, false)
	}
	return true
}
