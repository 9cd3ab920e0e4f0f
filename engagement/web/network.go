package web

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/leanjson"
	"github.com/optimist-go/optimist/engagement/wire"
)

const (
	networkPath = "/demo/network"
	ownNetwork  = "own" // the entity
)

// panel sets the network. It is optimistic too: a wish shows at once, of several wishes the
// last is sent, and a refused wish leaves no trace. It has a manager of its own, because
// the panel can be reached also when the network is cut.
type panel struct {
	transport client.Transport
	manager   *optimist.Manager
	store     *optimist.Store[wire.Network]
	set       *optimist.Action[wire.Network, wire.NetworkWish]
}

// newPanel returns a panel that calls settled after each wish, with the error if the wish
// failed.
func newPanel(t client.Transport, settled func(error)) *panel {
	m, _ := optimist.New(optimist.Options{Policy: optimist.Policy{ // the options are valid
		Debounce: optimist.Debounce{Wait: optimist.NoDebounce}, Retry: optimist.Retry{Max: 1, Base: 500 * time.Millisecond},
	}})
	p := &panel{transport: t, manager: m, store: optimist.NewStore[wire.Network](m, "network")}
	p.set = optimist.Register(p.store, optimist.Mutation[wire.Network, wire.NetworkWish]{
		Type:  "set",
		Slot:  func(wire.NetworkWish) string { return "all" },
		Clone: func(w wire.NetworkWish) wire.NetworkWish { return w },
		Apply: func(n wire.Network, w wire.NetworkWish) (wire.Network, error) {
			if w.Rule != nil {
				n.Profile, n.Rule = "custom", *w.Rule
			}
			for _, p := range n.Profiles {
				if p.Name == w.Profile {
					n.Profile, n.Rule = p.Name, p.Rule
				}
			}
			return n, nil
		},
		Send: func(ctx context.Context, c optimist.Call[wire.NetworkWish]) (optimist.Truth[wire.Network], error) {
			body, err := leanjson.Marshal(c.Args)
			if err != nil {
				return optimist.Truth[wire.Network]{}, optimist.Fail(optimist.Permanent, err)
			}
			return p.exchange(ctx, client.Request{Method: "PUT", Path: networkPath, Body: body})
		},
		OnSuccess: func(wire.NetworkWish, optimist.Result) { settled(nil) },
		OnError:   func(_ wire.NetworkWish, r optimist.Result) { settled(r.Err) },
	})
	return p
}

// read reads the present setting. With a server without a panel the setting is absent.
func (p *panel) read(ctx context.Context) error {
	return p.store.Refresh(ctx, ownNetwork, func(ctx context.Context) (optimist.Truth[wire.Network], error) {
		return p.exchange(ctx, client.Request{Method: "GET", Path: networkPath})
	})
}

// forget drops the setting, because the session is another one; late answers to the old
// session are ignored.
func (p *panel) forget() {
	p.manager.ClearAll()
	p.store.Forget(ownNetwork)
}

func (p *panel) exchange(ctx context.Context, r client.Request) (t optimist.Truth[wire.Network], err error) {
	answer, err := p.transport.RoundTrip(ctx, r)
	switch {
	case err != nil: // sending it twice does no harm
		return t, optimist.Fail(optimist.Transient, errors.Join(client.ErrUnreachable, err))
	case answer.Status == 404 && r.Method == "GET":
		return optimist.Gone[wire.Network](0), nil
	case answer.Status != 200:
		err := errors.New("status " + strconv.Itoa(answer.Status))
		if answer.Status == 401 { // the wishes of a session end with it
			return t, optimist.Fail(optimist.Permanent, err)
		}
		return t, optimist.StatusError(answer.Status, answer.RetryAfter, err)
	}
	var n wire.Network
	if err := leanjson.Unmarshal(answer.Body, &n); err != nil {
		return t, optimist.Fail(optimist.Permanent, err)
	}
	return optimist.TruthOf(n, 0), nil
}

// wishOf returns the wish of an action on the panel, given the present setting.
func wishOf(act Action, now wire.Network) wire.NetworkWish {
	w, r := wire.NetworkWish{Scope: "session"}, now.Rule
	switch act.Name {
	case "net-profile":
		w.Profile = act.Value
		return w
	case "net-offline":
		if r.Offline = !r.Offline; r == (wire.NetworkRule{}) {
			w.Profile = "clean"
			return w
		}
	case "net-set": // the value is "<name>=<number>"
		for _, s := range sliders {
			if v, ok := valueOf(act.Value, s.name, s.max); ok {
				s.set(&r, v)
			}
		}
	}
	w.Rule = &r
	return w
}

func valueOf(s, name string, most int) (int, bool) {
	if len(s) <= len(name)+1 || s[:len(name)+1] != name+"=" {
		return 0, false
	}
	n, err := strconv.Atoi(s[len(name)+1:])
	return min(max(n, 0), most), err == nil
}

func (a *App) changeNetworkLocked(act Action) {
	v := a.panel.store.View(ownNetwork)
	if a.nobodyLocked() || v.Presence != optimist.Present {
		return
	}
	_, err := a.panel.set.Execute(a.ctx, ownNetwork, wishOf(act, v.Value))
	a.networkLocked(err)
}

// nobodyLocked reports whether no user is signed in. Without an answer of the server a user
// may be signed in: a session whose network is cut must be able to repair it.
func (a *App) nobodyLocked() bool { return a.chrome.User == "" && a.visit != nil }

// readNetwork brings the panel up to date.
func (a *App) readNetwork(ctx context.Context) {
	err := a.panel.read(ctx)
	a.networkSettled(err)
}

// networkSettled records the end of a wish or a reading.
func (a *App) networkSettled(err error) {
	a.mu.Lock()
	a.networkLocked(err)
	a.mu.Unlock()
	a.hooks.Wake()
}

func (a *App) networkLocked(err error) {
	a.dirty.labs = true
	if v := a.panel.store.View(ownNetwork); v.Presence != optimist.NotLoaded {
		a.chrome.NoPanel, a.dirty.header = v.Presence == optimist.Absent, true
	}
	switch a.networkProblem = ""; {
	case errors.Is(err, client.ErrUnreachable):
		a.networkProblem = "The panel did not reach the server. Try it again."
	case err != nil:
		a.networkProblem = "The server did not take this. Choose something else."
	}
}
