package httpapi

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/optimist-go/optimist/engagement/wire"
)

// OnlyHosts refuses requests whose Host is neither this machine's loopback nor one
// of the named hosts. Otherwise a foreign site could let its own name point to a
// loopback address; for a browser, the site's pages would have the same origin as
// the server.
func OnlyHosts(next http.Handler, named ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		if !isLoopback(host) && !slices.ContainsFunc(named, func(n string) bool { return strings.EqualFold(n, host) }) {
			WriteProblem(w, r, wire.Problem{Type: wire.ProblemMisdirected, Status: http.StatusMisdirectedRequest,
				Detail: "this server does not answer for that host"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname returns the host without its port and brackets; empty when it is not a
// valid host of a URL.
func hostname(host string) string {
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host {
		return ""
	}
	return u.Hostname()
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
