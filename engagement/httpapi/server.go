package httpapi

import (
	"container/list"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// mostQuiet is the greatest number of idle connections.
const mostQuiet = 10_000

// NewServer returns an http.Server for the handler, which should be behind Guard, with
// bounds on every step before a handler is called. net/http refuses a header beyond
// MaxHeaderBytes with its own message; [Guard] refuses a smaller one that is still too
// large with a problem. The server keeps the newest 10,000 idle connections; Shutdown does
// not wait for them.
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
