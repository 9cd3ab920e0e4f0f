// Package httpsend sends operations over net/http. The program says which request an
// operation is and how truth is read from the answer; the package does the rest:
//
//	Send: httpsend.Send(nil, // over http.DefaultClient
//		func(c optimist.Call[optimist.Switched]) (*http.Request, error) {
//			return httpsend.JSON("PUT", server+"/posts/"+c.Entity+"/like", like{On: c.Args.On})
//		},
//		func(a httpsend.Answer) (optimist.Truth[Post], error) {
//			var p Post
//			err := json.Unmarshal(a.Body, &p)
//			return optimist.TruthOf(p, p.Version), err
//		}),
//
// [Send] makes the Send of a Mutation or a Toggle, [SendGroup] of a Group, [Read] the Read
// of a store's options. The Send of an Update calls [Client.Do].
//
// # Classes
//
// An attempt gets its [optimist.Class] by what has really happened:
//
//	no connection: DNS, dial, TLS, proxy; also when the deadline passes meanwhile   Offline
//	a connection, and then no answer: broken, or the context ended                  Unknown
//	the context was cancelled, whenever that was                                    Unknown
//	net/http refuses to send such a request, or the program made none               Permanent
//	2xx, and the answer broke off, is too large or not as expected                  Unknown
//	2xx                                                                             success
//	409 with a Retry-After: the first request with this key still runs              Overloaded
//	410 to a request that told the age of its key                                   Permanent
//	3xx that is not followed; see below                                             Permanent
//	any other status                                                                as optimist.StatusError says
//
// Without a connection nothing can have arrived. As soon as there was one, during this
// attempt, the server may have done it, also if net/http tried once more by itself and
// found nobody. A deadline that passes while http.Transport.MaxConnsPerHost lets the request
// wait looks like one that passes while dialling. A server that answers with 410 to a request
// whose key is old, see Client.KeyAge, cannot tell whether it has the operation: the outcome is
// unknown ([optimist.ErrUnknownOutcome]).
//
// # Answers
//
// An answer with status 204 has no body, and truth is not asked for: it says "done", at the
// version that its ETag has, if that is a number (see [Answer.Version]). Every other answer
// with a status of 2xx is the truth function's. Its error makes the attempt Unknown: a
// network that wants its guests to log in answers with 200, too.
//
// Retry-After counts in both of its forms, seconds and a date; the date is compared with the
// Date of the answer and not with the clock of this device. A wait of more than a day is a
// day. The text of an error has the title and the detail of a problem (RFC 9457), each cut
// after 200 bytes; [Refusal] has them as values.
//
// # Requests
//
// The request is made anew for each attempt, by the program's function, from arguments that
// never change. It gets the operation's id as the header Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header), unless the function has set that header: the
// bare id, as most servers expect it. A server that takes the draft by the letter wants it in
// double quotes. Servers forget keys: see Client.KeyAge.
//
// The time for an attempt is that of its context; see optimist.Retry.
//
// A redirect is followed while it repeats the same request (307, 308). One by which net/http
// would turn the operation into a GET (301, 302, 303) is not followed: the answer to that
// GET would say nothing of the operation.
//
// net/http repeats a request by itself, within one attempt: when a connection that had been
// used before breaks before the answer begins (with this header net/http takes every method for
// one that can be repeated), and when an HTTP/2 server refused the stream or went away
// before it. The key makes these repetitions one effect, as it does those of the manager. For
// a server that ignores keys set http.Transport.DisableKeepAlives.
//
// # In a browser
//
// With GOOS=js net/http uses the browser's fetch, which gives no reason for a failure: it is
// Offline if the browser says, before and after, that it has no network at all
// (navigator.onLine), and else Unknown. No redirect of an operation is followed, because fetch
// would not tell that it made a GET of it. Package net/http makes a page 2 MB larger; a page
// that has no room for it calls fetch by itself, and optimist.StatusError for the class.
package httpsend
