// Package check asks a server, over HTTP and in any language, whether it keeps the
// server's half of optimistic updates: each thing that the client library assumes is one
// line of a [Report].
//
// # Guarantees
//
//   - A check judges effects by reading truth, and answers only where the assumption is
//     about answers: a server that breaks one assumption fails the lines about that one.
//   - Each check sends a bounded number of requests in a bounded time.
//   - Nothing is contacted but the URLs of the [Target]: redirects are not followed, and no
//     proxy is used.
//   - Where both of two behaviours are right, both pass: a request whose key is in use may
//     wait or be answered with 409.
//
// # What must not be assumed
//
//   - A pass is no proof. Races and crashes are tried a few times, not searched for.
//   - The server is changed: people, entities and operations of the checks stay in it. It
//     must be one for tests, and nobody else may change the entities that are checked.
//   - A line that is not checked says nothing. It names what would have been needed.
package check
