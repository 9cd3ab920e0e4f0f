package web

import (
	"context"
	"errors"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
)

// grace is how long unsettled changes have when somebody signs out.
const grace = 3 * time.Second

// open begins a visit of whoever is signed in, and follows the server until the
// App stops or the session becomes another one.
func (a *App) open(ctx context.Context) {
	session, err := client.CurrentSession(ctx, a.transport)
	if err != nil {
		a.failToLoad(err)
		return
	}
	s, err := a.begin(session.Name)
	if err != nil {
		a.failToLoad(err)
		return
	}
	a.hooks.Wake()
	a.spawn(a.readNetwork)
	a.loadAndFollow(s)
}

func (a *App) loadAndFollow(s *client.Service) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.visit
	if v == nil || v.service != s {
		return
	}
	v.running.Go(func() {
		feed, err := s.Load(v.ctx, "", firstPage)
		if err != nil {
			if v.ctx.Err() == nil {
				a.failToLoad(err)
			}
			return
		}
		a.addPage(s, feed)
		err = s.Follow(v.ctx, feed.After, func(l client.Link, _ error) { a.linked(s, l) })
		if errors.Is(err, client.ErrOtherViewer) {
			a.Reopen()
		}
	})
}

func (a *App) addPage(s *client.Service, feed client.Feed) {
	a.mu.Lock()
	if a.visit != nil && a.visit.service == s {
		for _, id := range feed.Posts {
			if !a.inFeed[id] && s.Post(id).Value.ID != "" {
				a.feed = append(a.feed, id)
				a.inFeed[id] = true
			}
			a.dirty.posts[id] = true
		}
		a.next = feed.Next
		a.end = feedModel{Loaded: true, Posts: len(a.feed), More: feed.Next != ""}
		a.dirty.order, a.dirty.end = true, true
	}
	a.mu.Unlock()
	a.hooks.Wake()
}

func (a *App) linked(s *client.Service, l client.Link) {
	a.mu.Lock()
	if a.visit != nil && a.visit.service == s && a.chrome.Link != l {
		a.chrome.Link = l
		a.dirty.header = true
		a.heldLocked()
	}
	a.mu.Unlock()
	a.hooks.Wake()
}

func (a *App) failToLoad(err error) {
	a.mu.Lock()
	a.end = feedModel{Loaded: a.end.Loaded, Posts: len(a.feed), More: a.next != "", Problem: "The posts could not be read: " + reasonOf(asSilence(err)) + "."}
	a.dirty.end = true
	a.mu.Unlock()
	a.hooks.Wake()
}

// asSilence says "no network" of everything that is not an answer.
func asSilence(err error) error {
	var refusal *client.Refusal
	if errors.As(err, &refusal) {
		return err
	}
	return client.ErrUnreachable
}

// Reopen begins anew as whoever is signed in now: another page of this browser has
// changed that.
func (a *App) Reopen() { a.spawn(func(ctx context.Context) { a.leave(ctx, 0); a.open(ctx) }) }

// giveUp undoes what does not reach the server in time: who signs out leaves nothing
// behind in this browser. It returns an error if there was such a change.
func (a *App) giveUp(ctx context.Context) error {
	a.mu.Lock()
	v := a.visit
	a.mu.Unlock()
	if v == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	m := v.service.Manager()
	err := m.Flush(ctx)
	if m.Snapshot().Pending == 0 {
		return nil
	}
	return errors.Join(err, errUndone, m.ClearAll())
}

var errUndone = errors.New("some changes were undone")

// leave ends the visit. It returns what was left undone.
func (a *App) leave(ctx context.Context, wait time.Duration) error {
	a.mu.Lock()
	v := a.visit
	a.visit = nil
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return v.end(ctx)
}

func (a *App) signInAs(name string) {
	a.mu.Lock()
	a.signIn = signInModel{Busy: true}
	a.dirty.signIn = true
	again := a.chrome.SignedOut && a.chrome.User == name
	a.mu.Unlock()
	a.spawn(func(ctx context.Context) {
		_, err := client.SignIn(ctx, a.transport, name)
		a.mu.Lock()
		a.signIn = signInModel{}
		a.dirty.signIn = true
		if err != nil {
			a.signIn.Problem = problemOf(err)
			a.mu.Unlock()
			a.hooks.Wake()
			return
		}
		v := a.visit
		a.mu.Unlock()
		a.hooks.SessionChanged()
		if again && v != nil { // the session had ended, the changes had not
			v.service.Manager().RetryNow()
			a.hooks.Wake()
			return
		}
		a.leave(ctx, 0)
		a.open(ctx)
	})
}

// problemOf is why something did not work, as a sentence.
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

func (a *App) signOut() {
	a.spawn(func(ctx context.Context) {
		lost := errors.Join(a.giveUp(ctx), a.leave(ctx, 0))
		if err := client.SignOut(ctx, a.transport); err != nil {
			a.mu.Lock()
			a.tellLocked(notice{Text: "Signing out did not reach the server.", Grave: true})
			a.mu.Unlock()
		}
		a.hooks.SessionChanged()
		a.open(ctx)
		if lost != nil {
			a.mu.Lock()
			a.tellLocked(notice{Text: "Some changes had not reached the server and were undone.", Grave: true})
			a.mu.Unlock()
			a.hooks.Wake()
		}
	})
}
