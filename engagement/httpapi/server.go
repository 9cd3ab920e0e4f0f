package httpapi

import (
	"container/list"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// mostQuiet is how many connections may be open on which nothing is being asked.
const mostQuiet = 10_000

// NewServer returns an http.Server for the handler, which should be behind Guard,
// with bounds on everything that happens before a handler is called. A header
// beyond MaxHeaderBytes is refused by net/http in its own words, a smaller one
// that is still too large by Guard in ours. Of connections on which nothing is being asked
// it keeps the newest 10,000; Shutdown does not wait for those.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	orElse(&log, slog.Default())
	quiet := &quietConns{most: mostQuiet, places: make(map[net.Conn]*list.Element)}
	s := &http.Server{
		Handler:           handler,
		ConnState:         quiet.note,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		WriteTimeout:      answerTimeout, // event streams set their own
		MaxHeaderBytes:    4 * maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.RegisterOnShutdown(quiet.close)
	return s
}
