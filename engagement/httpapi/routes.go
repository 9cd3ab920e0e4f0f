package httpapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// request is an *http.Request and who sent it.
type request struct {
	*http.Request

	// session is zero when nobody is signed in.
	session engagement.Session
}

// handler answers a request, or returns the error that refuses it: an
// *engagement.Error, one of package wire, a refusal, or anything else, which is internal.
type handler func(w http.ResponseWriter, r *request) error

// route is one method of one path.
type route struct {
	method string
	path   string
	handle handler

	// signedIn refuses requests without a session.
	signedIn bool
	// unmetered routes take no part in rate and in-flight limits.
	unmetered bool
	// stays is for routes that last, which are not in flight but counted for themselves.
	stays bool
	// signsIn routes have an allowance of their own.
	signsIn bool
}

func (a *API) routes() []route {
	return []route{
		{method: "GET", path: "/v1/posts", handle: a.listPosts},
		{method: "POST", path: "/v1/posts", handle: a.createPost, signedIn: true},
		{method: "GET", path: "/v1/posts/{post}", handle: a.getPost},
		{method: "DELETE", path: "/v1/posts/{post}", handle: a.change(engagement.DeletePost), signedIn: true},
		{method: "PUT", path: "/v1/posts/{post}/like", handle: a.change(engagement.LikePost), signedIn: true},
		{method: "DELETE", path: "/v1/posts/{post}/like", handle: a.change(engagement.UnlikePost), signedIn: true},
		{method: "PUT", path: "/v1/posts/{post}/save", handle: a.change(engagement.SavePost), signedIn: true},
		{method: "DELETE", path: "/v1/posts/{post}/save", handle: a.change(engagement.UnsavePost), signedIn: true},
		{method: "GET", path: "/v1/posts/{post}/comments", handle: a.listComments},
		{method: "PUT", path: "/v1/posts/{post}/comments/{comment}", handle: a.writeComment(engagement.CreateComment), signedIn: true},
		{method: "PATCH", path: "/v1/posts/{post}/comments/{comment}", handle: a.writeComment(engagement.EditComment), signedIn: true},
		{method: "DELETE", path: "/v1/posts/{post}/comments/{comment}", handle: a.change(engagement.DeleteComment), signedIn: true},
		{method: "GET", path: "/v1/session", handle: a.getSession},
		{method: "POST", path: "/v1/session", handle: a.signIn, signsIn: true},
		{method: "DELETE", path: "/v1/session", handle: a.signOut},
		{method: "GET", path: "/v1/events", handle: a.streamEvents, stays: true},
		{method: "GET", path: "/healthz", handle: a.health, unmetered: true},
		{method: "GET", path: "/readyz", handle: a.ready, unmetered: true},
		{method: "GET", path: "/openapi.json", handle: a.document, unmetered: true},
	}
}

// newMux registers each path once, so that a wrong method and a wrong path are
// answered in our own words.
func (a *API) newMux() *http.ServeMux {
	paths := make(map[string]map[string]route)
	for _, r := range a.routes() {
		if paths[r.path] == nil {
			paths[r.path] = make(map[string]route)
		}
		paths[r.path][r.method] = r
	}
	mux := http.NewServeMux()
	for path, methods := range paths {
		if get, ok := methods["GET"]; ok && path != "/v1/events" {
			methods["HEAD"] = get
		}
		allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			found, ok := methods[r.Method]
			if !ok {
				w.Header().Set("Allow", allow)
				a.refuse(w, r, &refusal{http.StatusMethodNotAllowed, wire.ProblemMethod, "this path takes " + allow, 0})
				return
			}
			a.serve(w, r, found)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, &refusal{http.StatusNotFound, wire.ProblemNotFound, "there is nothing at this path", 0})
	})
	return mux
}

// serve passes the request through everything that can refuse it before its handler.
func (a *API) serve(w http.ResponseWriter, r *http.Request, found route) {
	if err := a.admit(w, r, found); err != nil {
		a.refuse(w, r, err)
	}
}

func (a *API) admit(w http.ResponseWriter, r *http.Request, found route) error {
	if err := a.origins.Check(r); err != nil {
		return &refusal{http.StatusForbidden, wire.ProblemCrossOrigin, "a page of another site sent this", 0}
	}
	if !found.unmetered && !found.stays {
		address := a.address(r)
		if err := a.inFlight.enter(address); err != nil {
			return err
		}
		defer a.inFlight.leave(address)
	}
	session, err := a.session(r)
	if err != nil && found.signedIn {
		return err
	}
	if err != nil && engagement.ErrorCode(err) != engagement.Unauthenticated {
		return err
	}
	noteUser(r, session.User)
	if err := a.meter(r, found, session); err != nil {
		return err
	}
	return found.handle(w, &request{r, session})
}

// meter takes the request from the allowances of its session and its address.
func (a *API) meter(r *http.Request, found route, session engagement.Session) error {
	if found.unmetered {
		return nil
	}
	address := a.address(r)
	wait := a.addresses.take(address)
	switch {
	case wait > 0:
	case found.signsIn:
		wait = a.signIns.take(address)
	case session.ID == "":
		wait = a.strangers.take(address)
	default:
		wait = a.sessions.take(session.ID)
	}
	if wait == 0 {
		return nil
	}
	return &refusal{http.StatusTooManyRequests, wire.ProblemRate, "too many requests; slow down", wait}
}
