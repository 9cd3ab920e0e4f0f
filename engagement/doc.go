// Package engagement is the domain of the reference application: posts, and
// people's likes, saves and comments of them.
//
// The root has only domain types and rules. The packages below it are named for
// the technology that they adapt and share only these types:
//
//   - wire: the JSON that server and clients share
//   - sqlstore: the [Store], in SQLite or PostgreSQL; storetest is its contract
//   - httpapi: the HTTP interface
//   - fault: faults on the wire, for demonstrations and tests
//   - client: the user's side, which shows a change at once and settles it later
//   - transport/nethttp, transport/browser: the client's network
//   - web: the page, on top of client
//   - page: builds and serves the page
//   - engaged: the server that ties them together; engagedtest runs it in tests
//   - load: many clients on a bad network, and a check of their operations
//
// There are no passwords, and every name can sign in: it is a demonstration.
//
// # How a change is made
//
// Every change is an [Operation]. A store loads the records that the operation
// touches ([Held]), gets their changes ([Effect]) from the pure function
// [Operation.Decide], and writes the effect, the counters, the version, the
// record of the operation and the entry of the change feed in one transaction.
// So the rules exist once, and a store only persists.
package engagement
