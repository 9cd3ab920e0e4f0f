// Package httpapi is the HTTP interface of the engagement application: package
// wire says what is said, this package says it over net/http. The document
// openapi.json, served at /openapi.json, describes every route.
//
// # What is guaranteed
//
//   - Every error is an application/problem+json document, with the exception of
//     requests that net/http itself refuses because they are not HTTP.
//   - A request that was refused with a status below 500 has changed nothing. With 503
//     and 500 it is not known: the same key tells.
//   - A client can make the server hold only so much: bodies, headers, paths,
//     texts, answers, requests and streams per session and address, and the time that
//     a body or an answer takes are all bounded (Options).
//   - Nobody shuts others out by being slow. A request runs when its body is there and
//     until its answer begins; when too many others wait for their clients, some
//     of them have to go: those of who has most, and those that have waited longest.
//   - A user acts as themselves: who acts is taken from the signed session and
//     from nowhere else.
//
// # What is not
//
// Signing in takes a name and no proof. Who needs one puts it in front of
// POST /v1/session; everything behind it stays.
package httpapi
