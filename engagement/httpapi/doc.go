// Package httpapi is the HTTP interface of the engagement application: package
// wire has the messages, this package sends and receives them over net/http.
// The document openapi.json, served at /openapi.json, describes every route.
//
// # Guarantees
//
//   - Every error is an application/problem+json document, with the exception of
//     requests that net/http itself refuses because they are not HTTP.
//   - A request that was refused with a status below 500 has changed nothing.
//     After 504 and 500 it may have been carried out: a repetition with the
//     same key tells.
//   - The server's resources for one client are bounded: bodies, headers,
//     paths, texts, answers, requests and streams per session and address, and
//     the times for a body or an answer ([Options]).
//   - Slow clients do not shut others out. A request runs from the end of its
//     body to the beginning of its answer; when too many other requests wait
//     for their clients, some of them are ended: first the requests of the
//     address with the most, and those that have waited longest.
//   - The acting user of an operation is always the user of the signed session.
//
// # Not guaranteed
//
// Signing in takes a name and no proof. A server that needs authentication puts
// it in front of POST /v1/session; the rest stays the same.
package httpapi
