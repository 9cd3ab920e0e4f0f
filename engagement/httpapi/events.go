package httpapi

import (
	"cmp"
	"context"
	"math"
	"net/http"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/server"
)

// viewerKey is the key of a request's session in its context, where Viewer finds it.
type viewerKey struct{}

// Viewer returns the sender of a request of the kit's handlers: use it as Options.User
// of the kit.
func Viewer(r *http.Request) (string, error) {
	if found, ok := r.Context().Value(viewerKey{}).(*request); ok {
		return found.session.User, nil
	}
	return "", nil
}

// newEvents returns the kit's handler of event streams. The rooms bound the number of
// streams.
func (a *API) newEvents(kit *server.Kit) http.Handler {
	return kit.Events(server.EventOptions{
		Heartbeat: a.options.Heartbeat, WriteTimeout: a.options.EventTimeout, Most: math.MaxInt, Alive: a.sessionLasts,
	})
}

// streamEvents tells the client of every change from the position that it names. A
// stream that makes way for another (see room) ends: its client reconnects with
// Last-Event-ID and misses no change.
func (a *API) streamEvents(w http.ResponseWriter, r *request) error {
	if err := checkQuery(r, "after"); err != nil {
		return err
	}
	select {
	case <-a.draining:
		return overloaded("the server is shutting down")
	default:
	}
	address := a.address(r.Request)
	ofSession, err := a.sessionStreams.enter(cmp.Or(r.session.ID, address))
	if err != nil {
		return err
	}
	defer ofSession.leave()
	place, err := a.streams.enter(address)
	if err != nil {
		return err
	}
	defer place.leave()
	ctx, makeWay := context.WithCancel(context.WithValue(r.Context(), viewerKey{}, r))
	defer makeWay()
	place.wait(makeWay)
	a.events.ServeHTTP(w, r.WithContext(ctx))
	return nil
}

// sessionLasts reports whether the viewer of a stream is still signed in (or never was).
// While the database is away the session lasts: a stream tells no changes then.
func (a *API) sessionLasts(r *http.Request) bool {
	viewer, ok := r.Context().Value(viewerKey{}).(*request)
	if !ok || viewer.session.ID == "" {
		return true
	}
	if _, err := a.claimed(r); err != nil {
		return false // the session has expired
	}
	return engagement.ErrorCode(a.checkSession(viewer)) != engagement.Unauthenticated
}
