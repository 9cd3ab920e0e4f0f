package httpsend

import (
	"net/http"
	"syscall/js"
)

// manualRedirects: an answer with status 0 is a redirect that was not followed.
const manualRedirects = true

// offline reports that there is certainly no network.
func offline() bool {
	navigator := js.Global().Get("navigator")
	if navigator.Type() != js.TypeObject {
		return false
	}
	online := navigator.Get("onLine")
	return online.Type() == js.TypeBoolean && !online.Bool()
}

// forbidRedirects has fetch follow no redirect of an operation: it would not tell that it
// made a GET of it.
func forbidRedirects(t http.RoundTripper, r *http.Request) {
	const option = "js.fetch:redirect"
	if r.Method == "" || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Header.Get(option) != "" || !fetches(t) {
		return
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set(option, "manual")
}

// fetches reports whether net/http uses fetch for a transport, by its own rule. Otherwise
// the option would be a header.
func fetches(t http.RoundTripper) bool {
	if t == nil {
		t = http.DefaultTransport
	}
	own, ok := t.(*http.Transport)
	return ok && own.Dial == nil && own.DialContext == nil && own.DialTLS == nil && own.DialTLSContext == nil &&
		js.Global().Get("fetch").Type() == js.TypeFunction && !inNode()
}

// inNode reports whether this is Node and no browser, which has a process without arguments.
func inNode() bool {
	process := js.Global().Get("process")
	return process.Type() == js.TypeObject && process.Get("argv0").Type() == js.TypeString
}
