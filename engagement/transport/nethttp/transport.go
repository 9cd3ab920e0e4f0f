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
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist/engagement/client"
	"github.com/optimist-go/optimist/engagement/wire"
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
	client *http.Client
}

// New returns a Transport to a base address such as "http://localhost:8080".
// Connections are not used twice: net/http would repeat a request by itself
// when a used connection breaks, and hide the failure from the manager.
func New(base string) (*Transport, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &Transport{strings.TrimSuffix(base, "/"), &http.Client{
		Jar: jar,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		},
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
	res, err := t.client.Do(req)
	if err != nil {
		return client.Response{}, explained(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(http.MaxBytesReader(nil, res.Body, maxAnswer))
	if err != nil {
		return client.Response{}, fmt.Errorf("the answer broke off: %w", err)
	}
	return client.Response{Status: res.StatusCode, RetryAfter: retryAfter(res.Header), Body: body}, nil
}

// explained marks errors of requests that cannot have arrived.
func explained(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%w: %w", client.ErrUnreachable, err)
	}
	return err
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// Stream implements [client.Transport]. The session cookie names the viewer.
func (t *Transport) Stream(ctx context.Context, _ string, after string, take func(client.Event)) error {
	req, err := http.NewRequestWithContext(ctx, "GET", t.base+client.StreamPath(after), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := t.client.Do(req)
	if err != nil {
		return explained(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &client.Refusal{Problem: wire.Problem{
			Status: res.StatusCode, RetryAfterMs: retryAfter(res.Header).Milliseconds(),
			Detail: fmt.Sprintf("the event stream was refused with status %d", res.StatusCode),
		}}
	}
	return readEvents(res.Body, take)
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
