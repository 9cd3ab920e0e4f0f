// Package fault makes the network bad on purpose, on the wire: clients meet real
// delays, real broken connections and real duplicates, not simulated errors. It
// serves the network panel of the page, tests and load runs alike.
//
// A Network stands in front of a handler (Wrap). Its rules say how likely each
// fault is; they come by name (Profiles) or one by one, for everybody or for one
// scope, which is a session in the engagement program. Control is the HTTP
// endpoint that sets them, for the caller's scope alone: the setting for everybody
// is only the program's to set.
//
// # Faults
//
// In this order, each decided by a draw of its own:
//
//   - Offline: every request is cut, and so is everything under way, event
//     streams included.
//   - Latency and Jitter delay the request before anything else happens to it. An
//     event stream is delayed at its beginning, its events are not.
//   - LoseRequest cuts the connection before the handler: no effect.
//   - ServerError and Throttle answer 503 or 500, and 429 with Retry-After,
//     before the handler: no effect.
//   - Duplicate lets the handler have the request twice; the client gets the
//     second answer. Only requests with a method that changes something.
//   - LoseAnswer lets the handler run to its end and cuts the connection instead
//     of answering: the effect is there, the client does not know. Event streams
//     are cut at their beginning instead, since they have no end.
//
// # Not guaranteed
//
// A cut connection is closed without a byte of answer. Browsers and net/http send
// some requests again by themselves when a connection which they have used before
// breaks like this; a request may so be lost twice, or seem not to be lost at all.
package fault
