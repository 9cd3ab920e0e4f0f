package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/optimist-go/optimist/engagement/wire"
)

// OnlyHosts refuses requests whose Host is neither this machine's loopback nor one
// of those named. A site can let its own name point to a loopback address; its
// pages are then of the same origin as the server, as far as a browser can tell.
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

// hostname returns the host without its port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
