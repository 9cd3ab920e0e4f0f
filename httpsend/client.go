package httpsend

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
)

// HeaderKey is the header with the idempotency key of an operation.
const HeaderKey = "Idempotency-Key"

// HeaderKeyAge is the header that a Client sends if its field KeyAge is set.
const HeaderKeyAge = "Idempotency-Key-Age"

// DefaultMaxAnswer is the limit of an answer's body, in bytes, of a Client that sets none.
const DefaultMaxAnswer = 1 << 20

// Client sends requests to one server, or to several that behave alike. The zero Client is
// ready for use, and a nil *Client is the zero Client. It is safe for concurrent use; its
// fields must not change after the first call.
type Client struct {
	// HTTP sends the requests: cookies, credentials, proxies, traces are its own. Nil:
	// http.DefaultClient. It needs no Timeout, since every attempt has a context.
	HTTP *http.Client
	// MaxAnswer limits the body of an answer, in bytes. 0 or less: DefaultMaxAnswer. A larger
	// answer is as good as none.
	MaxAnswer int64
	// KeyAge says that this server reads the header Idempotency-Key-Age, as those made with the
	// module server of this project do. When nobody knows whether an operation was carried out,
	// the header tells how many seconds ago the first attempt without an answer left
	// ([optimist.Call].InDoubt). A server that forgets keys sooner refuses the operation with 410
	// instead of carrying it out twice; its outcome is unknown then
	// ([optimist.ErrUnknownOutcome]). Use another Client, without KeyAge, for operations that
	// may be carried out twice, such as those that set a wanted state. A page of another origin
	// needs the header among the allowed ones (Access-Control-Allow-Headers).
	KeyAge bool
	// TruthInRefusals says that answers of this server with status 404, 409, 410 and 412 have
	// truth in their bodies. The truth function is then called for these too, and looks at
	// Answer.Status. If it returns an error, there was no truth in it; if the body broke off,
	// the attempt is Unknown. A refusal of class Conflicting without truth can only be rolled
	// back, or sent again.
	TruthInRefusals bool
}

// Answer is an answer of the server, whole.
type Answer struct {
	Status int // 0: none came
	Header http.Header
	Body   []byte
}

// Version is the number in the answer's ETag, such as "7" or W/"7", and 0 without one.
func (a Answer) Version() uint64 {
	tag := strings.Trim(strings.TrimPrefix(a.Header.Get("ETag"), "W/"), `"`)
	version, err := strconv.ParseUint(tag, 10, 64)
	if err != nil {
		return 0
	}
	return version
}

// RetryAfter is the wait that the answer asks for, in either form of the header, and 0 without
// one: see the documentation of the package.
func (a Answer) RetryAfter() time.Duration {
	wait, _ := retryAfter(a.Header, time.Now())
	return wait
}

// Do sends a request that the program has made with the context of a Send, or of a read,
// and returns the answer. The error is an [*optimist.SendError], whose class the
// documentation of the package tells, or nil for a status of 2xx. It wraps a [*Refusal] if
// there is an answer that refuses; the answer is then returned, too.
func (c *Client) Do(req *http.Request) (Answer, error) {
	if req == nil || req.URL == nil {
		return Answer{}, optimist.Fail(optimist.Permanent, errors.New("httpsend: there is no request"))
	}
	if c == nil {
		c = new(Client)
	}
	ctx := req.Context()
	saw := new(evidence)
	req = req.Clone(httptrace.WithClientTrace(ctx, saw.trace()))
	if call, ok := optimist.CallFrom(ctx); ok {
		setKey(req, call.ID)
		if age := call.InDoubt / time.Second; c.KeyAge && age > 0 {
			req.Header.Set(HeaderKeyAge, strconv.FormatInt(int64(age), 10))
		}
	}
	client := *cmp.Or(c.HTTP, http.DefaultClient)
	saw.reported = reports(client.Transport, req.URL.Scheme)
	saw.offline = offline()
	var stop redirects
	client.CheckRedirect = stop.check(client.CheckRedirect)
	forbidRedirects(client.Transport, req)

	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, optimist.Fail(saw.class(ctx, err), fmt.Errorf("httpsend: %w", err))
	}
	defer resp.Body.Close()
	if resp.Request == nil { // a transport of the program's may leave it out
		resp.Request = req
	}
	return c.read(resp, stop)
}

// setKey sets the key of a request that has none.
func setKey(r *http.Request, key string) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	if r.Header.Get(HeaderKey) == "" {
		r.Header.Set(HeaderKey, key)
	}
}

// read reads the body, and classifies the answer.
func (c *Client) read(resp *http.Response, stop redirects) (Answer, error) {
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	body, broken := readAll(resp.Body, c.MaxAnswer)
	if broken == nil {
		a.Body = body
	}
	if a.Status == 0 && manualRedirects {
		stop.reason = errHidden
	}
	refusal := refusalOf(a, resp.Request, stop)
	err := a.refused(refusal)
	if a.Status == http.StatusGone && resp.Request.Header.Get(HeaderKeyAge) != "" {
		err = optimist.Fail(optimist.Permanent, fmt.Errorf("%w: %w", optimist.ErrUnknownOutcome, refusal))
	}
	switch {
	case broken == nil:
		return a, err
	case err == nil: // done, and what came of it was lost
		return Answer{}, optimist.Fail(optimist.Unknown, fmt.Errorf("httpsend: %s: %w", where(resp.Request), broken))
	case c.TruthInRefusals && a.mayHaveTruth(): // without it there is nothing to decide upon
		return Answer{}, optimist.Fail(optimist.Unknown, fmt.Errorf("%w: %w", refusal, broken))
	}
	return a, err
}

// refused is the error of an answer, nil for 2xx.
func (a Answer) refused(refusal *Refusal) error {
	switch wait := a.RetryAfter(); {
	case a.Status == 0 && manualRedirects:
		return optimist.Fail(optimist.Permanent, refusal)
	case a.inProgress():
		return &optimist.SendError{Class: optimist.Overloaded, RetryAfter: wait, Err: refusal}
	default:
		return optimist.StatusError(a.Status, wait, refusal)
	}
}

func (a Answer) conflicts() bool {
	return a.Status == http.StatusConflict && !a.inProgress() || a.Status == http.StatusPreconditionFailed
}

// inProgress reports whether the server still carries out the first request with this key.
func (a Answer) inProgress() bool {
	_, asked := retryAfter(a.Header, time.Now())
	return a.Status == http.StatusConflict && asked
}

// mayHaveTruth reports whether the answer is a refusal that can say how things stand.
func (a Answer) mayHaveTruth() bool {
	return a.conflicts() || a.Status == http.StatusNotFound || a.Status == http.StatusGone
}

// readAll reads all of a body, or says why it could not.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = DefaultMaxAnswer
	}
	limit = min(limit, math.MaxInt64-1)
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer broke off: %w", err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("the answer has more than %d bytes", limit)
	}
	return data, nil
}

// errHidden: of a redirect that it does not follow a browser tells nothing, not even the status.
var errHidden = errors.New("a redirect of an operation is not followed in a browser")

// redirects notes why the last redirect was not followed.
type redirects struct{ reason error }

// check follows redirects that repeat the request, as far as the program's own rule does.
// Others are answers: the server has said where else to go.
func (s *redirects) check(own func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		switch {
		case next.Method != via[0].Method:
			s.reason = fmt.Errorf("the redirect makes it a %s", next.Method)
		case own != nil:
			s.reason = own(next, via)
		case len(via) >= 10:
			s.reason = errors.New("there are too many redirects")
		}
		if s.reason != nil {
			return http.ErrUseLastResponse // it is the answer
		}
		return nil
	}
}
