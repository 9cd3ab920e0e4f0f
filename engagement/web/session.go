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

// watchSession begins a visit of whoever is signed in, and asks again when that may have
// changed. Visits begin and end nowhere else, but for Stop.
func (a *App) watchSession(ctx context.Context) {
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

// within is a context that ends after some time. With package context's own, the page would
// be 4 KB larger.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(d, cancel)
	return ctx, func() { timer.Stop(); cancel() }
}

// retry says when to try again what has failed that often.
func retry(failures int) <-chan time.Time {
	return time.After(min(time.Second<<min(failures-1, 4), 10*time.Second))
}

// Reopen asks who is signed in now: another page of this browser may have changed that.
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

// sendLocked lets changes leave, or not: under the session of somebody else they would be
// theirs.
func (a *App) sendLocked() {
	if a.visit != nil {
		a.visit.service.Manager().SetOnline(a.chrome.Online && !a.unsure)
	}
}

// open asks who is signed in. The visit of the same user goes on, and so does that of a
// user whose session has ended: only who signs out here, or somebody else, ends it.
func (a *App) open(ctx context.Context) error {
	session, err := client.CurrentSession(ctx, a.transport)
	a.mu.Lock()
	v := a.visit
	a.unsure = err != nil
	if err == nil && a.signIn.Busy {
		a.focus = "feed"
	}
	if err == nil && v != nil && !v.over && (session.Name == a.chrome.User || session.Name == "") {
		a.sendLocked()
		if a.chrome.SignedOut = session.Name != a.chrome.User; !a.chrome.SignedOut {
			v.service.Manager().RetryNow()
		}
		a.signIn.Busy = false
		a.dirty.header, a.dirty.signIn = true, true
		a.heldLocked()
		v.turn()
		a.mu.Unlock()
		a.hooks.Wake()
		return nil
	}
	a.mu.Unlock()
	if err == nil {
		a.leave(v)
		err = a.begin(session.Name)
	}
	if err != nil {
		a.failToLoad(err)
	}
	a.hooks.Wake()
	return err
}

// attend reads the feed and follows the server, as long as somebody sees the page.
func (a *App) attend(v *visit) {
	s, after, loaded, failures := v.service, int64(0), false, 0
	for v.ctx.Err() == nil {
		ctx, turn := context.WithCancel(v.ctx)
		a.mu.Lock()
		v.turn = turn
		idle := a.hidden || a.chrome.SignedOut
		a.mu.Unlock()
		var err error
		switch {
		case !loaded:
			var feed client.Feed
			if feed, err = s.Load(ctx, "", firstPage); err == nil {
				loaded, after = true, feed.After
				a.addPage(s, feed)
			} else if ctx.Err() == nil {
				a.failToLoad(err)
				failures++
				select {
				case <-retry(failures):
				case <-ctx.Done():
				}
			}
		case idle:
			<-ctx.Done()
		default:
			after, err = s.Follow(ctx, after, func(l client.Link, _ error) { a.linked(s, l) })
			a.mu.Lock()
			switch {
			case ctx.Err() != nil:
			case errors.Is(err, client.ErrSignedOut):
				a.signedOutLocked()
			default: // somebody else is signed in, which ends the visit
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

// signedOutLocked notes that the session has run out. The visit goes on, and keeps its
// changes for the same user.
func (a *App) signedOutLocked() {
	a.chrome.SignedOut = true
	a.dirty.header, a.dirty.signIn = true, true
	a.heldLocked()
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
	// A stream that begins anew is no news.
	if a.visit != nil && a.visit.service == s && a.chrome.Link != l && l != client.Connecting {
		if a.chrome.Link == client.Broken { // the server is there again
			s.Manager().RetryNow()
		}
		a.chrome.Link = l
		a.dirty.header = true
		a.heldLocked()
	}
	a.mu.Unlock()
	a.hooks.Wake()
}

func (a *App) failToLoad(err error) {
	a.mu.Lock()
	if a.visit != nil && a.end.Loaded && !a.end.Busy {
		a.mu.Unlock() // what was to be read was not the posts
		return
	}
	a.end = feedModel{Loaded: a.end.Loaded, Posts: len(a.feed), More: a.next != "", Problem: "The posts could not be loaded: " + reasonOf(asSilence(err)) + "."}
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

// leave ends the visit, and tells what is lost with it.
func (a *App) leave(v *visit) {
	if v == nil {
		return
	}
	a.mu.Lock()
	a.drainLocked()
	if !a.durable {
		a.tellLostLocked()
	}
	a.visit = nil
	a.resetLocked("")
	a.mu.Unlock()
	v.end(over)
}

// tellLostLocked tells of the changes that the server does not have.
func (a *App) tellLostLocked() {
	var texts []string
	for _, list := range a.ops.posts {
		for _, o := range list {
			if o.Text != "" && !slices.Contains(texts, o.Text) {
				texts = append(texts, o.Text)
			}
		}
	}
	if a.ops.total() > 0 {
		a.tellLocked(&notice{Text: "Some changes had not been sent yet and were undone.", Quote: strings.Join(texts, "\n"), Grave: true})
	}
}

func (a *App) signInAs(ctx context.Context, name string) {
	_, err := client.SignIn(ctx, a.transport, name)
	if err == nil {
		a.hooks.SessionChanged()
		a.Reopen()
		return
	}
	a.mu.Lock()
	a.signIn = signInModel{Problem: problemOf(err)}
	a.dirty.signIn = true
	a.mu.Unlock()
	a.hooks.Wake()
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

// signOutLocked ends the session, and only then forgets what the server does not have:
// who signs out leaves nothing behind in this browser.
func (a *App) signOutLocked() {
	v := a.visit
	if v == nil || a.chrome.Leaving {
		return
	}
	a.chrome.Leaving, a.dirty.header = true, true
	held := a.holdsLocked()
	a.spawn(func(ctx context.Context) {
		m := v.service.Manager()
		ctx, cancel := within(ctx, 5*grace)
		defer cancel()
		if !held {
			short, cancel := within(ctx, grace)
			m.Flush(short)
			cancel()
		}
		err := client.SignOut(ctx, a.transport)
		a.mu.Lock()
		a.chrome.Leaving, a.dirty.header = false, true
		switch {
		case err != nil:
			a.tellLocked(&notice{Text: "Signing out did not reach the server. You are still signed in.", Grave: true})
		case a.visit == v:
			a.drainLocked()
			a.tellLostLocked()
			v.over = true
			m.ClearAll()
			a.drainLocked()
		}
		a.mu.Unlock()
		a.hooks.Wake()
		if err == nil {
			a.hooks.SessionChanged()
			a.Reopen()
		}
	})
}
