package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"time"
)

// NewServer returns an http.Server for the handler, which should be behind Guard,
// with bounds on everything that happens before a handler is called. A header
// beyond MaxHeaderBytes is refused by net/http in its own words, a smaller one
// that is still too large by Guard in ours. Shutdown does not wait for connections on
// which nothing has come yet.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	orElse(&log, slog.Default())
	fresh := &newConns{conns: make(map[net.Conn]bool)}
	s := &http.Server{
		Handler:           handler,
		ConnState:         fresh.note,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		WriteTimeout:      time.Minute, // event streams set their own
		MaxHeaderBytes:    4 * maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.RegisterOnShutdown(fresh.close)
	return s
}
