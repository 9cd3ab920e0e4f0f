package optimisttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/optimist-go/optimist"
)

// Network is an [http.RoundTripper] with faults, so that a program tests its own transport:
// the http.Client of the program uses it in place of http.DefaultTransport. The faults are
// those of a [Server], as they look to an HTTP client:
//
//	LostRequest, LostAnswer    an error after a connection was made; LostAnswer once the server has handled it
//	CutAnswer                  an answer whose body breaks off in the middle
//	GarbledAnswer              status 200 and a page in HTML, once the server has handled the request
//	Offline                    the error of a dial: there is no connection
//	Conflict                   status 409, without truth in the body
//	Status, Overloaded         that status; 429 with a Retry-After in seconds
//	Unauthenticated, Permanent, Transient   status 401, 422, 500
//	Duplicate, Delay           as for a Server
//
// Of other errors in Fault.Err those of class Unknown are status 504, and those without a
// class are the error of the round trip. Methods are safe for concurrent use.
type Network struct {
	next http.RoundTripper

	// mu guards the fields below it.
	mu       sync.Mutex
	script   []Fault
	chaos    Chaos
	requests []Request
	numbers  map[string]int // requests so far, by path
}

// Request is one request that a [Network] was given.
type Request struct {
	Method, Path string // the path with its query
	Key          string // the header Idempotency-Key
	Body         []byte
	Fault        Fault
	Status       int // of the server's answer, delivered or lost; 0: none, the server was not asked
}

// NewNetwork returns a network without faults to the servers that next reaches; nil:
// http.DefaultTransport. [InMemory] reaches a handler.
func NewNetwork(next http.RoundTripper) *Network {
	if next == nil {
		next = http.DefaultTransport
	}
	return &Network{next: next, numbers: make(map[string]int)}
}

// Next scripts the faults of the next requests. The zero [Fault] lets a request pass.
func (n *Network) Next(faults ...Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = append(n.script, faults...)
}

// SetChaos draws the faults of requests that are not scripted: for the nth request for a
// path always the same one. The zero [Chaos] ends the faults.
func (n *Network) SetChaos(c Chaos) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.chaos = c
}

// Requests returns the requests so far, in the order in which they were made.
func (n *Network) Requests() []Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.requests)
}

// RoundTrip implements [http.RoundTripper].
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := drain(r.Body)
	if err != nil {
		return nil, err
	}
	index, f := n.begin(r, body)
	trace := httptrace.ContextClientTrace(r.Context())
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(r.URL.Host)
	}
	if class(f.Err) == optimist.Offline {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: f.Err}
	}
	if trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}

	resp, err := n.carry(r, body, f, index)
	if err != nil {
		return nil, err
	}
	return answer(r, f, resp)
}

// carry brings a request to the server and its answer back. If that takes time, or the answer
// will be lost, the request arrives also after its caller has gone.
func (n *Network) carry(r *http.Request, body []byte, f Fault, index int) (*http.Response, error) {
	type answered struct {
		resp *http.Response
		err  error
	}
	ctx := r.Context()
	carry := func(ctx context.Context) (a answered) {
		if f.LoseRequest {
			return a
		}
		if a.resp, a.err = n.arrive(ctx, r, body, f, index); f.Twice && a.err == nil {
			if again, err := n.arrive(ctx, r, body, f, index); err == nil {
				drain(again.Body) // the second answer is lost
			}
		}
		return a
	}
	if f.Delay <= 0 && !f.losesAnswer() && !f.Twice {
		a := carry(ctx)
		return a.resp, a.err
	}
	done := make(chan answered)
	time.AfterFunc(f.Delay, func() {
		a := carry(context.WithoutCancel(ctx))
		select {
		case done <- a:
		case <-ctx.Done():
			if a.resp != nil {
				drain(a.resp.Body)
			}
		}
	})
	select {
	case a := <-done:
		return a.resp, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin records a request and draws its fault.
func (n *Network) begin(r *http.Request, body []byte) (index int, f Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	number := n.numbers[r.URL.Path]
	n.numbers[r.URL.Path]++
	if len(n.script) > 0 {
		f, n.script = n.script[0], n.script[1:]
	} else {
		f = n.chaos.fault(r.URL.Path, number)
	}
	n.requests = append(n.requests, Request{
		Method: r.Method, Path: r.URL.RequestURI(), Key: r.Header.Get("Idempotency-Key"), Body: body, Fault: f,
	})
	return len(n.requests) - 1, f
}

// arrive passes a copy of the request on, or refuses it in the server's place.
func (n *Network) arrive(ctx context.Context, r *http.Request, body []byte, f Fault, index int) (*http.Response, error) {
	if f.Err != nil || f.Conflict {
		return refusal(r, f)
	}
	copied := r.Clone(ctx)
	copied.Body = http.NoBody
	if len(body) > 0 {
		copied.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := n.next.RoundTrip(copied)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests[index].Status = resp.StatusCode
	return resp, nil
}

// answer is what the caller gets to hear of an answer.
func answer(r *http.Request, f Fault, resp *http.Response) (*http.Response, error) {
	ctx := r.Context()
	if f.LoseRequest || f.LoseAnswer {
		if resp != nil {
			drain(resp.Body)
		}
		if f.Hang {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: errBroken}
	}
	switch {
	case f.CutAnswer:
		body, err := drain(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
	case f.GarbleAnswer:
		drain(resp.Body)
		resp = written(r, http.StatusOK, "text/html; charset=utf-8", "<!DOCTYPE html><title>Welcome</title>Please accept our terms.")
	}
	if err := after(ctx, f.AnswerDelay, func() {}); err != nil {
		drain(resp.Body)
		return nil, err
	}
	return resp, nil
}

// refusal is the answer of a server that refuses with the error of a fault.
func refusal(r *http.Request, f Fault) (*http.Response, error) {
	status := map[optimist.Class]int{
		optimist.Transient: http.StatusInternalServerError, optimist.Overloaded: http.StatusTooManyRequests,
		optimist.Unauthenticated: http.StatusUnauthorized, optimist.Permanent: http.StatusUnprocessableEntity,
		optimist.Conflicting: http.StatusConflict, optimist.Unknown: http.StatusGatewayTimeout,
	}[class(f.Err)]
	err := f.Err
	if err == nil {
		status, err = http.StatusConflict, errConflict
	}
	var own statusError
	if errors.As(err, &own) {
		status = int(own)
	}
	if status == 0 {
		return nil, err
	}
	resp := written(r, status, "text/plain; charset=utf-8", err.Error())
	var failed *optimist.SendError
	if errors.As(err, &failed) && failed.RetryAfter > 0 {
		resp.Header.Set("Retry-After", strconv.FormatFloat(math.Ceil(failed.RetryAfter.Seconds()), 'f', 0, 64))
	}
	return resp, nil
}

// class is the class of a fault's error, 0 without one.
func class(err error) optimist.Class {
	var failed *optimist.SendError
	if errors.As(err, &failed) {
		return failed.Class
	}
	return 0
}

// written is an answer that no server has given.
func written(r *http.Request, status int, media, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {media}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body:   io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: r,
	}
}

// drain reads a body to its end, and closes it.
func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer body.Close()
	return io.ReadAll(body)
}

// broken is the place at which an answer breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
