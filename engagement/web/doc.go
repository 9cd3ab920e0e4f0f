// Package web is the page: what it shows, and what happens when somebody does
// something on it.
//
// It has two halves. The first knows no browser and is tested without one: App
// holds the state, Act takes what the user does, and pure functions (view_*.go) turn
// state into a tree of Nodes. The second (…_js.go, GOOS=js only) puts trees on the
// page and listens to it.
//
// # From a click to the screen
//
// The handler of a click calls App.Act, which goes through the manager and returns
// with the change in the view, and then paints what that made dirty, before the
// browser draws its next frame. Everything that happens by itself (answers, truth
// from others, retries) marks what it touches and asks for one paint, which the
// browser's next frame does for all of it together.
//
// # The pages of one browser
//
// They share a session, a journal for each user, and a few words (Shared): who is signed
// in, and who has left. Who signs out leaves nothing behind in the browser. Each page drops
// what it shows when it hears of it, or when it looks again, quotes what it had not sent,
// and lets go of the journal; who gets the lock of the journal then deletes it. A session
// that expires is no sign-out: all that is unsent waits for its user.
//
// One page owns the journal of its user; the others say that they store nothing, and wait.
// When it is closed, left or crashes, the next one restarts its client with the journal: it
// goes on with what both have done, under the same keys, and nothing on the page moves.
//
// A page begins with what is remembered: the user's name and what the journal holds are
// shown before the server has said a word, and nothing leaves until it has said whose
// session there is.
//
// What people wrote is always a text node, never markup.
package web
