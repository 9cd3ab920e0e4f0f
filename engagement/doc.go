// Package engagement is the domain of the reference application: posts, and
// people's likes, saves and comments of them.
//
// The root holds words and rules only. Packages below it are named for the
// technology that they adapt and know each other by these words alone:
//
//   - wire: the JSON that server and clients share
//   - sqlstore: the Store, in SQLite or PostgreSQL; storetest is its contract
//   - httpapi: the HTTP interface
//   - fault: faults on the wire, for demonstrations and tests
//   - client: the user's side, which shows a change at once and settles it later
//   - transport/nethttp, transport/browser: the client's network
//   - web: the page, on top of client
//   - page: builds the page, and gives it out
//   - engaged: the server that ties them together
//   - load: many clients on a bad network, and what became of them
//
// Any name can be signed in as, there are no passwords: it is a demonstration.
//
// # How a change is made
//
// Every change is an Operation. A store loads what the operation touches (Held),
// asks the pure function Operation.Decide what is to become of it (Effect), and
// writes the effect, the counters, the version, the record of the operation and
// the entry of the change feed in one transaction. So the rules exist once, and
// a store is nothing but persistence.
package engagement
