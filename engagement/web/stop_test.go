//go:build !js

package web

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/journal"
)

// silence is a transport without a network.
type silence struct{}

func (silence) RoundTrip(context.Context, client.Request) (client.Response, error) {
	return client.Response{}, client.ErrUnreachable
}

func (silence) Stream(context.Context, string, string, func(client.Event)) error {
	return client.ErrUnreachable
}

// TestStopAtAnyMoment: Stop may be called while the App does anything by itself or for the
// user, and more than once. No goroutine of the App begins after it, and the journal is
// free for the next page.
func TestStopAtAnyMoment(t *testing.T) {
	for i := range 300 {
		p := newHousehold()
		p.words[signedInKey], p.words[stayKey+"ada"] = "ada stay now", "stay"
		open := func() *App {
			pg := &windowOf{household: p}
			pg.app = NewApp(silence{}, Hooks{Wake: func() {}, Shared: pg, Journal: pg.journal})
			pg.app.Start()
			return pg.app
		}
		owner, heir := open(), open()
		for _, a := range []*App{owner, heir} { // until it is in the visit
			for n := 0; visitorOf(a) != "ada"; n++ {
				runtime.Gosched()
			}
		}
		var all sync.WaitGroup
		for _, f := range []func(){
			owner.Stop, heir.Stop, heir.Stop, // the journal changes hands meanwhile
			heir.Start, heir.Look, heir.Minute, heir.Reopen,
			func() { heir.SetHidden(i%2 == 0); heir.SetHidden(false) },
			func() { heir.SetOnline(false); heir.SetOnline(true) },
			func() { heir.Act(Action{Name: "lab"}) },
			func() {
				if i%3 == 0 {
					(&windowOf{household: p}).Set(signedInKey, "")
					heir.Look()
				}
			},
			func() { heir.Act(Action{Name: "sign-out"}) },
		} {
			all.Go(f)
		}
		all.Wait()
		heir.Act(Action{Name: "sign-in-as", Value: "kofi"})
		heir.Look()
		heir.running.Wait() // returns at once, and the race detector sees nobody before it
		if j, err := p.disks["ada"].Open(); err != nil {
			t.Fatalf("the stopped pages keep the journal: %v, owned: %v", err, errors.Is(err, journal.ErrOwned))
		} else {
			j.Close()
		}
	}
}

// visitorOf returns the user of the App's visit; empty without one.
func visitorOf(a *App) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.visit == nil {
		return ""
	}
	return a.visit.user
}
