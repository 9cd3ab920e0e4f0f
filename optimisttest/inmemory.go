package optimisttest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
)

// InMemory returns a transport to a handler, without a network: the host of a request does
// not matter. It works inside of a testing/synctest bubble, where a real connection would not.
// The answer is there when the handler has returned, so it is not for streams. A handler that
// panics breaks the connection, as in a server.
func InMemory(handler http.Handler) http.RoundTripper { return inMemory{handler} }

type inMemory struct{ handler http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	served := r.Clone(ctx)
	served.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	served.RequestURI = r.URL.RequestURI()
	served.RemoteAddr = "192.0.2.1:1234" // an address for documents
	if served.Host == "" {
		served.Host = r.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	answered := make(chan *http.Response, 1)
	failed := make(chan error, 1)
	go func() {
		defer cancel()
		defer served.Body.Close()
		defer func() {
			if p := recover(); p != nil {
				failed <- fmt.Errorf("%w: the handler panicked: %v", errBroken, p)
			}
		}()
		recorder := httptest.NewRecorder()
		m.handler.ServeHTTP(recorder, served)
		answered <- recorder.Result()
	}()
	select {
	case resp := <-answered:
		resp.Request = r
		return resp, nil
	case err := <-failed:
		return nil, err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
