// Package wire has the JSON types that travel between the engagement server and its
// clients, their bounds, and one decoder for each of them.
//
// The browser client links this package into WebAssembly, so it imports nothing
// heavier than package leanjson.
//
// # Routes
//
//	GET    /v1/posts?limit=&cursor=                 -> Page
//	POST   /v1/posts                   NewPost      -> 201 Outcome
//	GET    /v1/posts/{post}                         -> Truth
//	DELETE /v1/posts/{post}            Change       -> Outcome (author only)
//	PUT    /v1/posts/{post}/like       Change       -> Outcome
//	DELETE /v1/posts/{post}/like       Change       -> Outcome
//	PUT    /v1/posts/{post}/save       Change       -> Outcome
//	DELETE /v1/posts/{post}/save       Change       -> Outcome
//	GET    /v1/posts/{post}/comments?limit=&cursor= -> CommentPage
//	PUT    /v1/posts/{post}/comments/{comment}    CommentText -> 201 Outcome (create)
//	PATCH  /v1/posts/{post}/comments/{comment}    CommentText -> Outcome (edit)
//	DELETE /v1/posts/{post}/comments/{comment}    Change      -> Outcome
//	GET    /v1/session                              -> Session (empty name: signed out)
//	POST   /v1/session                 SignIn       -> Session and a cookie
//	DELETE /v1/session                              -> 204
//	GET    /v1/events?after=                        -> server-sent events, see Event
//
// Ids of posts and comments are UUIDs of version 7 chosen by the client, so
// that a retried creation cannot make a second one.
//
// # Operations
//
// Every change of posts, likes, saves and comments is an operation: it carries
// the header Idempotency-Key, which must be the same on each attempt, and a
// body with the moment ("at") and the device ("client") of the user's act. A moment
// is a string of decimal digits, see Stamp.
//
//   - An operation which was applied is remembered under its key. The same key
//     with the same method, path and body answers with the same status and the
//     same "already" as the first time, together with the truth as it is now,
//     and the header Idempotency-Replayed: true. Another payload is refused with
//     422, a key whose first request is still running with 409 in-progress.
//   - A refused operation leaves no trace, and its key is free. After an answer of
//     500 or more the operation may have been applied: a repetition with the same
//     key tells.
//   - Operations on one slot (a user's like of a post, a user's save of a post, a
//     comment) are ordered by (at, client). A late operation, which arrives after a
//     newer one has been applied, is refused with 409 conflict unless the slot has
//     its wanted state already. The problem carries the truth and the stamp that
//     won.
//   - No act is later than its arrival: a moment ahead of the server's clock counts
//     as the server's present time. So a device with a fast clock wins over
//     operations made before its request came, and over none made after it.
//
// # Truth
//
// A post has one version for all viewers, which grows by one with each visible
// change. The state under a version differs between viewers only in Liked and
// Saved. Truth of an equal version is equal; truth of a lower one is older. The
// moment of no change that it contains is after its changedAt. All this holds within
// the era of the truth's position: after the restore of an older copy of the database
// a new era begins, and versions may be told a second time.
package wire
