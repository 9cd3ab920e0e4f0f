// Package check asks a server, over HTTP and in any language, whether it keeps the
// server's half of optimistic updates: each assumption of the client library is one line
// of a [Report].
//
// # Guarantees
//
//   - A check judges the effect of an operation by reading truth, and looks at answers
//     only where the assumption is about answers: a server that breaks one assumption
//     fails the lines about that assumption.
//   - Each check sends a bounded number of requests in a bounded time.
//   - Only the URLs of the [Target] are contacted: redirects are not followed, and no
//     proxy is used.
//   - Where two behaviours are right, both pass: a request whose key is in use may wait
//     or be answered with 409.
//
// # Not guaranteed
//
//   - A pass is no proof. Races and crashes are tried a few times, not searched for.
//   - The server is changed: people, entities and operations of the checks stay in it.
//     Use a server for tests, and let no other client change the entities of the checks.
//   - A line that is not checked gives no verdict. It names the part of the profile or
//     target that is missing.
package check
