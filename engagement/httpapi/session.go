package httpapi

import (
	"net/http"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/wire"
)

// CookieName is the name of the session cookie.
const CookieName = "engaged_session"

// claimed returns the session in the request's cookie. Without a cookie, or with an
// invalid or expired one, the error has code Unauthenticated.
func (a *API) claimed(r *http.Request) (engagement.Session, error) {
	cookie, err := r.Cookie(CookieName)
	if err != nil {
		return engagement.Session{}, &engagement.Error{Code: engagement.Unauthenticated, Message: "sign in first"}
	}
	return a.seal.Open(cookie.Value, a.options.Now().UnixMilli())
}

// checkSession asks the store whether the session of the request was ended; then
// checkSession removes it from the request, and the error has code Unauthenticated.
func (a *API) checkSession(r *request) error {
	if r.session.ID == "" {
		return nil
	}
	ended, err := a.store.SessionEnded(r.Context(), r.session.ID)
	if err != nil {
		return err
	}
	if !ended {
		return nil
	}
	r.session = engagement.Session{}
	return &engagement.Error{Code: engagement.Unauthenticated, Message: "the session was ended"}
}

// SessionID returns the id of the request's session; empty when it has none. The
// signature and age of the session are checked, but not whether it was ended.
func (a *API) SessionID(r *http.Request) string {
	session, err := a.claimed(r)
	if err != nil {
		return ""
	}
	return session.ID
}

func (a *API) getSession(w http.ResponseWriter, r *request) error {
	if err := checkQuery(r); err != nil {
		return err
	}
	answer(w, http.StatusOK, wire.Session{Name: r.session.User, ExpiresAt: r.session.ExpiresAt})
	return nil
}

func checkSignIn(r *request) error { return checkQuery(r) }

// signIn opens a new session, and ends the client's previous one.
func (a *API) signIn(w http.ResponseWriter, r *request) error {
	body, err := wire.DecodeSignIn(r.body)
	if err != nil {
		return err
	}
	if err := a.endSession(r); err != nil {
		return err
	}
	expires := a.options.Now().Add(a.options.SessionLife)
	session := engagement.Session{ID: engagement.NewID(), User: body.Name, ExpiresAt: expires.UnixMilli()}
	a.setCookie(w, r, a.seal.Token(session), int(a.options.SessionLife/time.Second))
	answer(w, http.StatusOK, wire.Session{Name: session.User, ExpiresAt: session.ExpiresAt})
	return nil
}

// signOut ends the session for good: from then on the cookie is worthless, even to
// a thief who has copied it.
func (a *API) signOut(w http.ResponseWriter, r *request) error {
	if err := checkQuery(r); err != nil {
		return err
	}
	if err := a.endSession(r); err != nil {
		return err
	}
	a.setCookie(w, r, "", -1)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) endSession(r *request) error {
	if r.session.ID == "" {
		return nil
	}
	return a.store.EndSession(r.Context(), r.session.ID, r.session.ExpiresAt)
}

func (a *API) setCookie(w http.ResponseWriter, r *request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: a.options.SecureCookies || r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}
