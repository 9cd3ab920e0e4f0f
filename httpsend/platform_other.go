//go:build !js

package httpsend

import "net/http"

// manualRedirects: an answer with status 0 is a redirect that was not followed.
const manualRedirects = false

// offline reports that there is certainly no network. Nobody here knows.
func offline() bool { return false }

// forbidRedirects has the network follow no redirect by itself. Here it never does.
func forbidRedirects(http.RoundTripper, *http.Request) {}
