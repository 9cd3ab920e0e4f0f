// Package nethttp is the network of native programs: a [client.Transport] over
// net/http.
package nethttp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/httpsend"
)

// Bounds of the answers of a server.
const (
	// maxAnswer leaves room for the largest page, of posts or of comments.
	maxAnswer = 2 * wire.MaxPageBytes
	maxLine   = maxAnswer
)

// Transport reaches one server, with a cookie jar of its own, like a browser.
// Make one with [New]. A Transport is safe for concurrent use.
type Transport struct {
	base   string
	client httpsend.Client
}

// New returns a Transport to a base address such as "http://localhost:8080".
// Connections are not used twice: net/http would repeat a request by itself
// when a used connection breaks, and hide the failure from the manager.
func New(base string) (*Transport, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &Transport{strings.TrimSuffix(base, "/"), httpsend.Client{
		MaxAnswer: maxAnswer,
		HTTP: &http.Client{
			Jar: jar,
			Transport: &http.Transport{
				DisableKeepAlives: true,
				DialContext:       (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			},
		},
		TruthInRefusals: true,
	}}, nil
}

// RoundTrip implements [client.Transport].
func (t *Transport) RoundTrip(ctx context.Context, r client.Request) (client.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, t.base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return client.Response{}, err
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.Key != "" {
		req.Header.Set(wire.HeaderKey, r.Key)
	}
	a, err := t.client.Do(req)
	var silence *optimist.SendError
	switch {
	case a.Status != 0: // the client knows what a refusal means
		return client.Response{Status: a.Status, RetryAfter: retryAfter(a), Body: a.Body}, nil
	case !errors.As(err, &silence):
		return client.Response{}, err
	case silence.Class == optimist.Offline:
		return client.Response{}, fmt.Errorf("%w: %w", client.ErrUnreachable, silence.Err)
	}
	return client.Response{}, silence.Err
}

// maxRetryAfter is the longest wait that a server can ask for.
const maxRetryAfter = time.Hour

func retryAfter(a httpsend.Answer) time.Duration { return min(a.RetryAfter(), maxRetryAfter) }

// Stream implements [client.Transport]. The session cookie names the viewer.
func (t *Transport) Stream(ctx context.Context, _ string, after string, take func(client.Event)) error {
	req, err := http.NewRequestWithContext(ctx, "GET", t.base+client.StreamPath(after), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := t.client.HTTP.Do(req)
	if err != nil {
		return explained(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &client.Refusal{Problem: wire.Problem{
			Status: res.StatusCode, RetryAfterMs: retryAfter(httpsend.Answer{Header: res.Header}).Milliseconds(),
			Detail: fmt.Sprintf("the event stream was refused with status %d", res.StatusCode),
		}}
	}
	return readEvents(res.Body, take)
}

// explained marks errors of streams for which there was no connection.
func explained(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Errorf("%w: %w", client.ErrUnreachable, err)
	}
	return err
}

// readEvents reads server-sent events to the end of the stream.
func readEvents(r io.Reader, take func(client.Event)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 16<<10), maxLine)
	var e client.Event
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if e.Name != "" || e.Data != nil {
				take(e)
			}
			e = client.Event{}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.Name = value
		case "id":
			e.ID = value
		case "data":
			if e.Data != nil {
				e.Data = append(e.Data, '\n')
			}
			e.Data = append(e.Data, value...)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the event stream ended")
}
