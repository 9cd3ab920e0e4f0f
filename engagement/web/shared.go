package web

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Shared keeps a few words for all pages of a browser, and beyond their end. When another
// page changes a word, the page calls [App.Look].
type Shared interface {
	Get(key string) string // empty: there is none
	Set(key, word string)
}

// The words that pages share.
const (
	// signedInKey has the signed-in user, as far as the pages know, and the user's stay,
	// followed by a part that is new each time.
	signedInKey = "engaged-session"
	// stayKey, followed by a user's name, has the user's stay: a word that is made at a
	// sign-in and deleted at a sign-out. Expired sessions, and other users who sign in
	// between, do not end it. It is the client id of all pages, so that each page can repeat
	// a call of another one: the same key with the same content.
	stayKey = "engaged-stay-"
	// leavingKey has the user who is signing out. A page that begins before the end of the
	// sign-out is known carries it out before it shows content.
	leavingKey = "engaged-leaving"
	// leftKey has the users who have signed out and whose journals are still to be deleted.
	// The page that gets the lock of such a journal deletes it first.
	leftKey = "engaged-left"
)

// remembered returns the signed-in user, as far as the pages of this browser know.
func (a *App) remembered() (user, stay string) {
	user, rest, _ := strings.Cut(a.hooks.Shared.Get(signedInKey), " ")
	stay, _, _ = strings.Cut(rest, " ")
	return user, stay
}

// remember records the signed-in user, and other pages are told. A user who was signed in
// before keeps the stay.
func (a *App) remember(user string) {
	stay := a.hooks.Shared.Get(stayKey + user)
	if stay == "" {
		stay = newWord()
		a.hooks.Shared.Set(stayKey+user, stay)
	}
	a.hooks.Shared.Set(signedInKey, user+" "+stay+" "+newWord())
}

func newWord() string { return strconv.FormatUint(rand.Uint64(), 36) }

// left returns the users whose journals are to be deleted.
func (a *App) left() (users []string) {
	for rest := a.hooks.Shared.Get(leftKey); rest != ""; {
		var user string
		user, rest, _ = strings.Cut(rest, " ")
		users = append(users, user)
	}
	return users
}

// hasLeft reports whether the user's journal is to be deleted.
func (a *App) hasLeft(user string) bool { return slices.Contains(a.left(), user) }

// setLeft records that the journal of a user is to be deleted, or has been.
func (a *App) setLeft(user string, left bool) {
	list := slices.DeleteFunc(a.left(), func(u string) bool { return u == user })
	if left {
		list = append(list, user)
	}
	a.hooks.Shared.Set(leftKey, strings.Join(list, " "))
}

// lonely keeps words for this page only, in a browser without localStorage.
type lonely struct {
	mu    sync.Mutex
	words map[string]string
}

func (l *lonely) Get(key string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.words[key]
}

func (l *lonely) Set(key, word string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.words == nil {
		l.words = make(map[string]string)
	}
	l.words[key] = word
}
