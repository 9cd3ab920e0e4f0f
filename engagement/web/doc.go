// Package web is the page: its views and its reactions to the user's actions.
//
// It has two halves. The first does not depend on a browser and is tested without one:
// [App] holds the state, [App.Act] carries out the user's actions, and pure functions
// (view_*.go) turn state into a tree of [Node]s. The second (…_js.go, GOOS=js only) puts
// trees on the page and listens to it.
//
// # From a click to the screen
//
// The handler of a click calls [App.Act], which goes through the manager and returns with
// the change in the view. The handler then paints the changed parts before the browser
// draws its next frame. Events without a click (answers, truth from others, retries) mark
// the parts that they change and ask for one paint, which the browser's next frame does for
// all of them together.
//
// # The pages of one browser
//
// They share a session, a journal for each user, and a few words ([Shared]): the signed-in
// user, and the users who have signed out. Signing out leaves no data behind in the
// browser. Each page removes its content when it is told of the sign-out, or when it
// becomes visible again, quotes its unsent texts, and closes the journal; the page that
// gets the lock of the journal then deletes it. The end of a session by time is no
// sign-out: all unsent changes wait for their user.
//
// One page owns the journal of its user; the other pages say that they store nothing, and
// wait. When the owner is closed, left or crashes, the next page restarts its client with
// the journal: it goes on with the changes of both pages, under the same keys, and its
// content does not move.
//
// A page begins with remembered state: it shows the user's name and the changes in the
// journal before the server answers. No change is sent until the server has named the user
// of the session.
//
// # Before the client is there
//
// The server puts the first posts into the page's markup ([Serve]), with the same view
// functions, for the user of the session; and beside them their data ([wire.First]), from
// which the App begins without reading them: it follows the feed from their position on,
// so that no change is missed or counted twice. The elements of the markup are adopted, not
// made anew: nothing moves, and typed text stays. A script in the page keeps the taps of a
// person who is faster than the client, and the App carries them out when the first visit has
// begun, if it is the visit of the same user.
//
// Texts of people are always text nodes, never markup.
package web
