package web

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Shared keeps a few words for all pages of a browser, and beyond their end. A page whose
// word is changed by another one calls App.Look.
type Shared interface {
	Get(key string) string // empty: there is none
	Set(key, word string)
}

// The words that pages share.
const (
	// signedInKey is who is signed in, as far as the pages know, and their stay. What
	// follows is new each time.
	signedInKey = "engaged-session"
	// stayKey, followed by a user's name, is their stay: a word that begins with a sign-in
	// and ends with a sign-out. Sessions that expire, and others who sign in between, do not
	// end it. It names the client of all pages, so that each can send again what another one
	// has sent: the same key with the same content.
	stayKey = "engaged-stay-"
	// leavingKey is who is signing out. A page that begins while nobody has heard how that
	// ended carries it out before it shows anything.
	leavingKey = "engaged-leaving"
	// leftKey are those who have signed out and whose journals are still to be deleted.
	// Who gets the lock of such a journal deletes it first of all.
	leftKey = "engaged-left"
)

// remembered is who is signed in, as far as the pages of this browser know.
func (a *App) remembered() (user, stay string) {
	user, rest, _ := strings.Cut(a.hooks.Shared.Get(signedInKey), " ")
	stay, _, _ = strings.Cut(rest, " ")
	return user, stay
}

// remember notes who is signed in, which other pages hear of. Who was so before goes on
// with their stay.
func (a *App) remember(user string) {
	stay := a.hooks.Shared.Get(stayKey + user)
	if stay == "" {
		stay = newWord()
		a.hooks.Shared.Set(stayKey+user, stay)
	}
	a.hooks.Shared.Set(signedInKey, user+" "+stay+" "+newWord())
}

func newWord() string { return strconv.FormatUint(rand.Uint64(), 36) }

// left are those whose journals are to be deleted.
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

// setLeft notes that the journal of a user is to be deleted, or was.
func (a *App) setLeft(user string, left bool) {
	list := slices.DeleteFunc(a.left(), func(u string) bool { return u == user })
	if left {
		list = append(list, user)
	}
	a.hooks.Shared.Set(leftKey, strings.Join(list, " "))
}

// lonely shares words with nobody: where a browser keeps none.
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
