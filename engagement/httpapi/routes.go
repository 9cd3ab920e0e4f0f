package httpapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// request is an *http.Request with its session and its parsed parts.
type request struct {
	*http.Request

	// session is zero when no user is signed in. Before the handler is called it is taken
	// from the cookie alone: the session may have been ended.
	session engagement.Session

	// subject has the key and the ids of an operation, and body its body.
	subject subject
	body    []byte
}

// handler answers a request, or returns the error that refuses it: an *engagement.Error,
// an error of package wire, a refusal, or any other error, which is internal. With the
// first byte of its answer the handler's work is done.
type handler func(w http.ResponseWriter, r *request) error

// route is one method of one path.
type route struct {
	method string
	path   string
	handle handler

	// check is set for routes that take a body. It checks the rest of the request before
	// the body is read, without the store.
	check func(*request) error

	// signedIn refuses requests without a session.
	signedIn bool
	// unmetered routes take no part in rate and in-flight limits, and ignore sessions.
	unmetered bool
	// stays marks routes that last, which do not count as in flight and have a limit of
	// their own.
	stays bool
	// signsIn routes have an allowance of their own.
	signsIn bool
}

func (a *API) routes() []route {
	return []route{
		{method: "GET", path: "/v1/posts", handle: a.listPosts},
		{method: "POST", path: "/v1/posts", handle: a.createPost, check: checkOperation, signedIn: true},
		{method: "GET", path: "/v1/posts/{post}", handle: a.getPost},
		{method: "DELETE", path: "/v1/posts/{post}", handle: a.change(engagement.DeletePost), check: checkOperation, signedIn: true},
		{method: "PUT", path: "/v1/posts/{post}/like", handle: a.change(engagement.LikePost), check: checkOperation, signedIn: true},
		{method: "DELETE", path: "/v1/posts/{post}/like", handle: a.change(engagement.UnlikePost), check: checkOperation, signedIn: true},
		{method: "PUT", path: "/v1/posts/{post}/save", handle: a.change(engagement.SavePost), check: checkOperation, signedIn: true},
		{method: "DELETE", path: "/v1/posts/{post}/save", handle: a.change(engagement.UnsavePost), check: checkOperation, signedIn: true},
		{method: "GET", path: "/v1/posts/{post}/comments", handle: a.listComments},
		{method: "PUT", path: "/v1/posts/{post}/comments/{comment}", handle: a.writeComment(engagement.CreateComment), check: checkOperation, signedIn: true},
		{method: "PATCH", path: "/v1/posts/{post}/comments/{comment}", handle: a.writeComment(engagement.EditComment), check: checkOperation, signedIn: true},
		{method: "DELETE", path: "/v1/posts/{post}/comments/{comment}", handle: a.change(engagement.DeleteComment), check: checkOperation, signedIn: true},
		{method: "GET", path: "/v1/session", handle: a.getSession},
		{method: "POST", path: "/v1/session", handle: a.signIn, check: checkSignIn, signsIn: true},
		{method: "DELETE", path: "/v1/session", handle: a.signOut},
		{method: "GET", path: "/v1/events", handle: a.streamEvents, stays: true},
		{method: "GET", path: "/healthz", handle: a.health, unmetered: true},
		{method: "GET", path: "/readyz", handle: a.ready, unmetered: true},
		{method: "GET", path: "/openapi.json", handle: a.document, unmetered: true},
	}
}

// newMux registers each path once, so that a wrong method and a wrong path are answered
// with a problem of this package.
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
			if err := a.admit(w, r, found); err != nil {
				a.refuse(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, &refusal{http.StatusNotFound, wire.ProblemNotFound, "there is nothing at this path", 0})
	})
	return mux
}

// admit passes the request through all checks that can refuse it, and answers it. The
// checks without the store come first; then the body is read, at the client's pace; only
// then the request takes a place among the running ones, and gives it back when the
// answer begins, because a client may take its answer slowly, too.
func (a *API) admit(w http.ResponseWriter, r *http.Request, found route) error {
	if err := a.origins.Check(r); err != nil {
		return &refusal{http.StatusForbidden, wire.ProblemCrossOrigin, "a page of another site sent this", 0}
	}
	session, err := a.claimed(r)
	if err != nil && found.signedIn {
		return err
	}
	noteUser(r, session.User)
	req := &request{Request: r, session: session}
	if err := a.meter(req, found); err != nil {
		return err
	}
	switch {
	case found.unmetered:
		return found.handle(w, req)
	case found.stays:
		return a.handle(w, req, found)
	}
	come, err := a.come.enter(a.address(r))
	if err != nil {
		return err
	}
	defer come.leave()
	if found.check != nil {
		if err := found.check(req); err != nil {
			return err
		}
		if req.body, err = a.readBody(w, r, come); err != nil {
			return err
		}
	}
	running, err := a.inFlight.enter(come.owner)
	if err != nil {
		return err
	}
	defer running.leave()
	out := &outgoing{ResponseWriter: w, come: come, running: running}
	if err := a.handle(out, req, found); err != nil {
		a.refuse(out, r, err)
	}
	if !come.work() {
		panic(http.ErrAbortHandler) // the request was sent away while the client took its answer
	}
	return nil
}

// handle checks the session in the store and calls the handler of the route.
func (a *API) handle(w http.ResponseWriter, r *request, found route) error {
	err := a.checkSession(r)
	if err != nil && (found.signedIn || engagement.ErrorCode(err) != engagement.Unauthenticated) {
		return err
	}
	return found.handle(w, r)
}

// meter takes the request from the allowances of its session and its address.
func (a *API) meter(r *request, found route) error {
	if found.unmetered {
		return nil
	}
	address := a.address(r.Request)
	wait := a.addresses.take(address)
	switch {
	case wait > 0:
	case found.signsIn:
		wait = a.signIns.take(address)
	case r.session.ID == "":
		wait = a.strangers.take(address)
	default:
		wait = a.sessions.take(r.session.ID)
	}
	if wait == 0 {
		return nil
	}
	return &refusal{http.StatusTooManyRequests, wire.ProblemRate, "too many requests; slow down", wait}
}
