package web

import (
	"context"
	"strconv"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/leanjson"
)

const networkPath = "/demo/network"

// readNetwork asks how bad the network is made.
func (a *App) readNetwork(ctx context.Context) {
	a.exchangeNetwork(ctx, client.Request{Method: "GET", Path: networkPath})
}

// wish is what the server's panel takes.
type wish struct {
	Scope   string `json:"scope"`
	Profile string `json:"profile,omitempty"`
	Rule    *rule  `json:"rule,omitempty"`
}

func (a *App) changeNetworkLocked(act Action) {
	if a.chrome.User == "" || !a.network.Known {
		return
	}
	w := wish{Scope: "session"}
	r := a.network.Rule
	switch act.Name {
	case "net-profile":
		w.Profile = act.Value
	case "net-offline":
		if r.Offline = !r.Offline; r.Offline || r != (rule{}) {
			w.Rule = &r
		} else {
			w.Profile = "clean"
		}
	case "net-set":
		// The value is "<name>=<number>".
		for _, s := range sliders {
			if v, ok := valueOf(act.Value, s.name, s.max); ok {
				s.set(&r, v)
			}
		}
		w.Rule = &r
	}
	body, err := leanjson.Marshal(w)
	if err != nil {
		return
	}
	a.network.Rule, a.network.Problem, a.dirty.labs = r, "", true
	a.wish = body
	if !a.wishing {
		a.wishing = true
		a.spawn(a.sendWishes)
	}
}

// sendWishes sends the latest wish until none is left: one at a time, so that the
// last one counts.
func (a *App) sendWishes(ctx context.Context) {
	for {
		a.mu.Lock()
		body := a.wish
		a.wish = nil
		a.wishing = body != nil
		a.mu.Unlock()
		if body == nil {
			a.hooks.Wake()
			return
		}
		a.exchangeNetwork(ctx, client.Request{Method: "PUT", Path: networkPath, Body: body})
	}
}

func valueOf(s, name string, most int) (int, bool) {
	if len(s) <= len(name)+1 || s[:len(name)+1] != name+"=" {
		return 0, false
	}
	n, err := strconv.Atoi(s[len(name)+1:])
	return min(max(n, 0), most), err == nil
}

// exchangeNetwork talks with the panel of the server, which is never disturbed
// itself.
func (a *App) exchangeNetwork(ctx context.Context, r client.Request) {
	answer, err := a.transport.RoundTrip(ctx, r)
	var got network
	if err == nil && answer.Status == 200 {
		err = leanjson.Unmarshal(answer.Body, &got)
	}
	a.mu.Lock()
	switch {
	case a.wish != nil || a.wishing && r.Method == "GET": // this answer is out of date
	case err != nil:
		a.network.Problem = "The panel did not reach the server."
	case answer.Status == 200:
		a.network = got
		a.network.Known = true
	case answer.Status == 404:
		a.network = network{}
	default:
		a.network.Problem = "The server did not take this."
	}
	a.dirty.labs = true
	a.mu.Unlock()
	a.hooks.Wake()
}
