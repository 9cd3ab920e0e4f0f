package httpapi

import (
	"net/http"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// First returns the user of the request's session and the first page of the feed as that
// user sees it, for a page that has both in its markup. It has the limits of a request to
// GET /v1/posts; an error is a reason to give out the page without them.
func (a *API) First(r *http.Request, limit int) (wire.First, error) {
	session, _ := a.claimed(r) // without a valid one: as nobody
	noteUser(r, session.User)
	req := &request{Request: r, session: session}
	if err := a.meter(req, route{}); err != nil {
		return wire.First{}, err
	}
	come, err := a.come.enter(a.address(r))
	if err != nil {
		return wire.First{}, err
	}
	defer come.leave()
	running, err := a.inFlight.enter(come.owner)
	if err != nil {
		return wire.First{}, err
	}
	defer running.leave()
	if err := a.checkSession(req); err != nil && engagement.ErrorCode(err) != engagement.Unauthenticated {
		return wire.First{}, err
	}
	page, err := a.store.Posts(r.Context(), req.session.User, wire.Selection{}, wire.Cursor{}, limit)
	if err != nil {
		return wire.First{}, err
	}
	return wire.First{Session: wire.Session{Name: req.session.User, ExpiresAt: req.session.ExpiresAt}, Page: pageToWire(page, wire.Newest)}, nil
}
