package engaged

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/wire"
)

// handler combines the API, the bad network and the page.
func (m *Main) handler() (http.Handler, error) {
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json"} {
		mux.Handle(path, m.api)
	}
	if m.Config.Demo || m.Config.Faults {
		m.network = fault.New(fault.Options{Scope: m.api.SessionID, Keep: m.keepNetwork, Note: httpapi.NoteFault})
		if err := m.setNetwork(); err != nil {
			return nil, err
		}
		mux.Handle("/v1/", m.network.Wrap(m.api, refuseByNetwork))
		mux.Handle("/demo/network", m.network.Control(rejectWish))
	} else {
		mux.Handle("/v1/", m.api)
	}
	page := m.Page
	if page == nil {
		page = http.HandlerFunc(fewWords)
	}
	mux.Handle("/", page)
	return mux, nil
}

// onlyHosts refuses requests of other sites whose names were made to point to
// this server (DNS rebinding).
func (m *Main) onlyHosts(next http.Handler) http.Handler {
	tcp, ok := m.listener.Addr().(*net.TCPAddr)
	if !(ok && tcp.IP.IsLoopback()) && len(m.Config.Hosts) == 0 {
		return next
	}
	named := m.Config.Hosts
	if host, _, err := net.SplitHostPort(m.Config.Addr); err == nil && host != "" {
		named = append([]string{host}, named...)
	}
	return httpapi.OnlyHosts(next, named...)
}

// setNetwork puts the profile of the command line in force.
func (m *Main) setNetwork() error {
	profile, ok := fault.FindProfile(m.Config.Network)
	if !ok {
		return nil // no fault network: the configuration is valid
	}
	return m.network.Set(fault.Everybody, fault.Setting{Profile: profile.Name, Rule: profile.Rule})
}

// refuseByNetwork answers in the form of the API.
func refuseByNetwork(w http.ResponseWriter, r *http.Request, status int, retryAfter time.Duration) {
	p := wire.Problem{Status: status, Detail: "the network panel makes this fail", RetryAfterMs: retryAfter.Milliseconds()}
	switch status {
	case http.StatusTooManyRequests:
		p.Type = wire.ProblemRate
	case http.StatusServiceUnavailable:
		p.Type, p.RetryAfterMs = wire.ProblemOverloaded, max(p.RetryAfterMs, 1000)
	default:
		p.Type = wire.ProblemInternal
	}
	httpapi.WriteProblem(w, r, p)
}

func rejectWish(w http.ResponseWriter, r *http.Request, status int, detail string) {
	types := map[int]string{
		http.StatusBadRequest:            wire.ProblemMalformed,
		http.StatusUnauthorized:          wire.ProblemUnauthenticated,
		http.StatusForbidden:             wire.ProblemCrossOrigin,
		http.StatusMethodNotAllowed:      wire.ProblemMethod,
		http.StatusRequestEntityTooLarge: wire.ProblemTooLarge,
		http.StatusUnsupportedMediaType:  wire.ProblemMediaType,
		http.StatusServiceUnavailable:    wire.ProblemOverloaded,
	}
	p := wire.Problem{Type: types[status], Status: status, Detail: detail}
	if p.Type == "" {
		p.Type = wire.ProblemInvalid
	}
	httpapi.WriteProblem(w, r, p)
}

// fewWords is the page of a server without a page of its own.
func fewWords(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		httpapi.WriteProblem(w, r, wire.Problem{Type: wire.ProblemNotFound, Status: http.StatusNotFound, Detail: "there is nothing at this path"})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<!doctype html><html lang="en"><meta charset="utf-8"><title>engaged</title>
<h1>engaged</h1><p>The server runs. Its interface is described in <a href="/openapi.json">openapi.json</a>;
<a href="/v1/posts">/v1/posts</a> is a start.</p></html>`)
}
