// Package page gives out the browser client: it compiles cmd/page to WebAssembly
// with the Go toolchain, keeps the result in the user's cache folder under a hash of
// everything that went into it, and serves it, compressed beforehand, together with
// the page's own few files.
//
// Without a toolchain or the sources, or when they do not compile, what was built before
// is served; and without that a page that says what is missing. The API works in any case.
package page
