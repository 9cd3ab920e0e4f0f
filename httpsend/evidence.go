package httpsend

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"sync/atomic"

	"github.com/optimist-go/optimist"
)

// evidence is what net/http has told of one attempt, however many requests it made of it.
type evidence struct {
	asked     atomic.Bool // for a connection
	connected atomic.Bool // from then on anything may have arrived

	reported bool // what does the requests tells of them
	offline  bool // a browser said before that there is no network
}

// trace notes the evidence. net/http may call it from other goroutines, also after the answer.
func (e *evidence) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { e.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { e.connected.Store(true) },
	}
}

// reports tells whether a transport is known to say when it has a connection. One that
// wraps such a transport says it too, but is not known to.
func reports(t http.RoundTripper, scheme string) bool {
	if t == nil {
		t = http.DefaultTransport
	}
	_, ok := t.(*http.Transport)
	return ok && runtime.GOOS != "js" && (scheme == "http" || scheme == "https" || scheme == "")
}

// class is the class of an attempt without answer.
func (e *evidence) class(ctx context.Context, err error) optimist.Class {
	switch {
	case e.connected.Load():
		return optimist.Unknown
	case errors.Is(ctx.Err(), context.Canceled):
		return optimist.Unknown // says nothing of the network
	case e.asked.Load(), unreachable(err), e.offline && offline():
		return optimist.Offline
	case ctx.Err() == nil && e.reported:
		return optimist.Permanent // it did not even look for a connection
	}
	return optimist.Unknown
}

// unreachable reports whether an error says by itself that there was no connection. It is
// for transports that give no other evidence.
func unreachable(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}
