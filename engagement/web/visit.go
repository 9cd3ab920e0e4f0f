package web

import (
	"context"
	"errors"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/journal"
)

// begin starts a visit of the user. The previous visit must have ended. The changes in the
// journal are shown without asking the server.
func (a *App) begin(user string) error {
	a.ending.Wait()
	_, stay := a.remembered()
	journal, risk := a.journalOf(user)
	o := client.Options{Transport: a.transport, User: user, ClientID: stay, Journal: journal, Later: risk == elsewhere}
	s, err := client.New(o)
	if err != nil && journal != nil { // the journal cannot be read: go on without it
		journal.Close()
		journal, risk, o.Journal = nil, unreadable, nil
		s, err = client.New(o)
	}
	if err != nil {
		return err
	}
	v := a.newVisit(user, stay, s)
	if err := s.Restore(); err != nil {
		v.end(ended)
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, now := a.remembered(); user != "" && now != stay { // another page has ended the stay
		a.spawn(func(context.Context) { v.end(ended) })
		a.reopenLocked()
		return nil
	}
	a.resetLocked(user, "")
	a.visit = v
	a.chrome.Risk = risk
	a.durable = journal != nil
	early := a.takeServedLocked(v)
	if v.base == nil {
		v.base = a.openLocked(v, wire.Selection{}, nil)
	}
	a.shown = v.base
	a.goLocked(a.place)
	a.followLocked()
	a.actLateLocked(early)
	a.sendLocked()
	if a.chrome.LabOpen {
		a.spawn(a.readNetwork)
	}
	a.startLocked(v)
	if risk == elsewhere {
		a.spawnFor(v, func() { a.inherit(v) })
	}
	return nil
}

// newVisit returns a visit that does not send yet (see sendLocked) and is idle before
// startLocked.
func (a *App) newVisit(user, stay string, s *client.Service) *visit {
	ctx, stop := context.WithCancel(a.ctx)
	s.Manager().SetOnline(false)
	return &visit{
		user:    user,
		stay:    stay,
		service: s,
		events:  s.Manager().Subscribe(optimist.SubscribeOptions{Args: true, Buffer: 8192}),
		bell:    s.Manager().Subscribe(optimist.SubscribeOptions{Buffer: 1}),
		ctx:     ctx,
		stop:    stop,
		turn:    func() {},
	}
}

func (a *App) startLocked(v *visit) {
	a.spawnFor(v, func() {
		for range v.bell.All(v.ctx) {
			a.hooks.Wake()
		}
	})
	a.spawnFor(v, func() { a.attend(v) })
}

// spawnFor begins a goroutine of a visit, under the condition of spawn. It ends with the
// visit's ctx.
func (a *App) spawnFor(v *visit, f func()) {
	v.running.Add(1)
	a.spawn(func(context.Context) {
		defer v.running.Done()
		f()
	})
}

// end ends a visit. Unsettled changes have time until ctx ends.
func (v *visit) end(ctx context.Context) error {
	if v == nil {
		return nil
	}
	v.stop()
	v.running.Wait()
	v.base.closeLocked()
	err := v.service.Close(ctx)
	v.events.Close()
	v.bell.Close()
	return err
}

// Reasons why changes would be lost with the page, in words for people.
const (
	elsewhere  = "Another tab stores your unsent changes; those made here are lost when this page closes"
	nowhere    = "This browser stores nothing; unsent changes are lost when this page closes"
	unreadable = "What was stored cannot be read; unsent changes are lost when this page closes"
)

// journalOf opens the user's journal, or returns the reason why there is none. The journal
// of a user who has signed out is deleted first.
func (a *App) journalOf(user string) (j journal.Journal, risk string) {
	if user == "" || a.hooks.Journal == nil {
		return nil, ""
	}
	a.deleteJournal(a.ctx, user, false)
	opened, err := a.hooks.Journal(a.ctx, user, false)
	switch {
	case errors.Is(err, journal.ErrOwned):
		return nil, elsewhere
	case err != nil:
		return nil, nowhere
	case a.emptied(a.ctx, opened, user): // the journal was to be deleted, and was not or only just now
		opened.Close()
		return nil, nowhere
	}
	return opened, ""
}
