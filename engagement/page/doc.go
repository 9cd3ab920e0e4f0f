// Package page serves the browser client: it compiles cmd/page to WebAssembly with the Go
// toolchain, keeps the result in the user's cache folder under a hash of all inputs, and
// serves it, compressed beforehand, together with the page's own few files: by gzip at once,
// and by brotli as soon as [Build.Squeeze] has been successful.
//
// The page itself begins with its first posts (package web makes their markup), and has its
// style in it: they can be read after one round trip.
//
// A service worker keeps the client and a page without posts in the browser, for one version
// at a time, and gives them out when the server does not answer. It keeps nothing that a
// person has seen or written: those are in the journal of the page. While the client is
// compiled, [Late] shows a page that becomes the real one by itself.
//
// Without a toolchain or the sources, or when they do not compile, the last build is
// served; and without one a page that names the missing part. The API works in any case.
package page
