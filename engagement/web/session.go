package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
)

// watchSession begins a visit of the user who is signed in, and asks again when that may
// have changed. Only watchSession begins visits; they end in it, in Stop, or by dropLocked.
func (a *App) watchSession(ctx context.Context) {
	a.recall(ctx)
	for failures := 0; ; {
		err := a.open(ctx)
		var again <-chan time.Time
		if failures++; err == nil {
			failures = 0
		} else {
			again = retry(failures)
		}
		select {
		case <-a.ask:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// recall begins the visit of the user whom this browser remembers, or of nobody if the
// content on the page is nobody's, before the server has answered. No change is sent until
// it has. Before, recall deletes the journals of users who have signed out.
func (a *App) recall(ctx context.Context) {
	for _, user := range a.left() {
		a.deleteJournal(ctx, user, false)
		a.spawn(func(ctx context.Context) { a.deleteJournal(ctx, user, true) }) // if it is owned
	}
	user, _ := a.remembered()
	a.mu.Lock()
	served := a.first != nil && a.first.Session.Name == user
	a.unsure = true
	a.mu.Unlock()
	if user == "" && !served || a.hooks.Shared.Get(leavingKey) != "" {
		return
	}
	if a.begin(user) == nil {
		a.hooks.Wake()
	}
}

// retry returns a channel that receives after the wait before the next try, by the number
// of failures.
func retry(failures int) <-chan time.Time {
	return time.After(min(time.Second<<min(failures-1, 4), 10*time.Second))
}

// Reopen asks for the signed-in user: another page of this browser may have changed it.
func (a *App) Reopen() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reopenLocked()
}

func (a *App) reopenLocked() {
	a.unsure = true
	a.sendLocked()
	select {
	case a.ask <- struct{}{}:
	default:
	}
}

// sendLocked lets changes be sent, or stops sending: with the session of another user they
// would become that user's changes, and without a session they would be refused.
func (a *App) sendLocked() {
	if a.visit != nil {
		a.visit.service.Manager().SetOnline(a.chrome.Online && !a.unsure && !a.chrome.SignedOut)
	}
}

// open asks for the signed-in user. The visit of the same user goes on, and so does the
// visit of a user whose session has expired: only a sign-out or another user ends a visit.
func (a *App) open(ctx context.Context) error {
	a.mu.Lock()
	a.lookLocked()
	begun := a.visit != nil
	a.mu.Unlock()
	_, stay := a.remembered()
	var err error
	if !begun {
		err = a.finishLeaving(ctx)
	}
	var session wire.Session
	if err == nil {
		session, err = client.CurrentSession(ctx, a.transport)
	}
	a.mu.Lock()
	if _, now := a.remembered(); err == nil && now != stay { // the answer may be from before the change
		a.reopenLocked()
		a.mu.Unlock()
		return nil
	}
	v := a.visit
	a.unsure = err != nil
	switch {
	case err != nil:
		if !a.begunLocked() {
			a.chrome.Link, a.dirty.header = client.Broken, true
		}
	case v == nil:
	case session.Name == "" && v.leaving:
		a.hasLeftLocked(v.user, byHere)
		a.mu.Unlock()
		a.hooks.Wake()
		return nil
	case session.Name == v.user || session.Name == "":
		a.goOnLocked(v, session.Name == "")
		a.mu.Unlock()
		a.hooks.Wake()
		return nil
	}
	if err == nil && a.signIn.Busy {
		a.focus = "feed"
	}
	if err == nil && session.Name != "" && (v == nil || v.user == "") {
		// Notices for the previous user are not shown to another one.
		a.notices = slices.DeleteFunc(a.notices, func(n *notice) bool { return n.of != session.Name && n.of != "" })
		a.dirty.notices = true
	}
	a.mu.Unlock()
	if err == nil {
		if was, _ := a.remembered(); session.Name != "" && was != session.Name {
			a.remember(session.Name)
		}
		a.leave(v)
		err = a.begin(session.Name)
	}
	if err != nil {
		a.failToLoad(err)
	}
	a.hooks.Wake()
	return err
}

// goOnLocked goes on with a visit after the server has named the user of the session.
func (a *App) goOnLocked(v *visit, expired bool) {
	a.chrome.SignedOut = expired && v.user != ""
	a.sendLocked()
	if !a.chrome.SignedOut {
		v.leaving = false
		v.service.Manager().RetryNow()
	}
	if a.signIn.Busy {
		a.focus = "feed"
		a.signIn.Busy = false
	}
	if !a.begunLocked() {
		a.chrome.Link = client.Connecting
		a.nobody, a.problem = a.chrome.SignedOut, ""
	}
	a.dirty.header, a.dirty.signIn, a.dirty.kept = true, true, true
	a.heldLocked()
	v.turn()
}

// attend reads the feed and follows the server, as long as the page is visible.
func (a *App) attend(v *visit) {
	s, failures := v.service, 0
	for v.ctx.Err() == nil {
		ctx, turn := context.WithCancel(v.ctx)
		a.mu.Lock()
		v.turn = turn
		idle := a.hidden || a.chrome.SignedOut
		if !v.loaded { // truth for another viewer is not accepted
			idle = a.chrome.SignedOut || a.unsure
		}
		a.mu.Unlock()
		var err error
		switch {
		case !v.loaded && !idle:
			if err = a.loadFirst(ctx, v); err == nil {
				v.loaded = true
			} else if ctx.Err() == nil {
				failures++
				select {
				case <-retry(failures):
				case <-ctx.Done():
				}
			}
		case idle:
			<-ctx.Done()
		default:
			v.after, err = s.Follow(ctx, v.after, func(l client.Link, _ error) { a.linked(s, l) })
			a.mu.Lock()
			switch {
			case ctx.Err() != nil || a.visit != v:
			case errors.Is(err, client.ErrSignedOut):
				a.expiredLocked(v)
			default: // another user is signed in, which ends the visit
				a.reopenLocked()
				idle = true
			}
			a.mu.Unlock()
			a.hooks.Wake()
			if idle {
				<-ctx.Done()
			}
		}
		turn()
	}
}

// expiredLocked notes that the session is over. Unless the user has ended it, the visit
// goes on and keeps its changes for the same user.
func (a *App) expiredLocked(v *visit) {
	if _, stay := a.remembered(); v.leaving || stay != v.stay {
		a.reopenLocked()
		return
	}
	a.chrome.SignedOut = true
	a.sendLocked()
	a.dirty.header, a.dirty.signIn, a.dirty.kept = true, true, true
	a.heldLocked()
}

func (a *App) linked(s *client.Service, l client.Link) {
	a.mu.Lock()
	// Reconnecting is not shown as a change.
	if a.visit != nil && a.visit.service == s && a.chrome.Link != l && l != client.Connecting {
		if a.chrome.Link == client.Broken { // the server answers again
			s.Manager().RetryNow()
		}
		a.chrome.Link = l
		a.dirty.header = true
		a.heldLocked()
	}
	a.mu.Unlock()
	a.hooks.Wake()
}

// failToLoad tells why there are no posts yet.
func (a *App) failToLoad(err error) {
	a.mu.Lock()
	if !a.begunLocked() {
		a.problem = notLoaded(err)
	}
	a.mu.Unlock()
	a.hooks.Wake()
}

// asSilence turns every error that is not an answer into "no network".
func asSilence(err error) error {
	var refusal *client.Refusal
	if errors.As(err, &refusal) {
		return err
	}
	return client.ErrUnreachable
}

func (a *App) signInAs(ctx context.Context, name string) {
	_, err := client.SignIn(ctx, a.transport, name)
	a.mu.Lock()
	if err == nil {
		a.signedInLocked(name)
		a.mu.Unlock()
		return
	}
	a.signIn = signInModel{Problem: problemOf(err)}
	a.dirty.signIn = true
	a.mu.Unlock()
	a.hooks.Wake()
}

// signedInLocked records that a user has signed in on this page.
func (a *App) signedInLocked(name string) {
	if user := a.hooks.Shared.Get(leavingKey); user != "" { // that user's session is over
		a.hooks.Shared.Set(leavingKey, "")
		if user != name {
			a.setLeft(user, true)
			a.hooks.Shared.Set(stayKey+user, "")
		}
	}
	a.remember(name)
	a.untellLocked(stillIn, signInFirst)
	if v := a.visit; v != nil {
		v.leaving = false
	}
	a.reopenLocked()
}

// problemOf returns the reason of a failure as a sentence.
func problemOf(err error) string {
	words := reasonOf(err)
	if words == "something went wrong" {
		words = err.Error()
	}
	return upperFirst(words) + "."
}

func upperFirst(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
