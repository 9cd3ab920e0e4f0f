package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Target is the server to be checked.
type Target struct {
	// URL is the address of the server, such as "http://localhost:8080".
	URL string
	// Profile describes the requests of the server.
	Profile Profile
	// Also is another process of the same server, on the same database; empty: none.
	Also string
	// Restart kills the server without warning (kill -9), starts it again at the same URL
	// and returns. nil: crashes are not checked.
	Restart func(ctx context.Context) error
	// Hurry is the number of reads sent at the same time at the end, to see the server refuse
	// some; at most 5000; 0: none.
	Hurry int
	// Patience is the longest time in which the feed may tell of a change; 0 means 10 s.
	Patience time.Duration
}

// Bounds of one check.
const (
	mostRequests = 400
	mostTime     = time.Minute
	requestTime  = 15 * time.Second
	mostAnswer   = 4 << 20 // bytes that are read
	mostRepeats  = 8
	longestPause = 5 * time.Second
	mostHurry    = 5000
)

// Errors of checks: a failure describes a wrong behaviour of the server, a gap the reason
// why a check was left out. Errors of other types count as failures.
type (
	failure string
	gap     string
)

func (e failure) Error() string { return string(e) }
func (e gap) Error() string     { return string(e) }

func failf(format string, args ...any) error { return failure(fmt.Sprintf(format, args...)) }

// user is one of the users who send requests; the cookies are the user's session.
type user struct {
	name   string
	client *http.Client
}

// run is one run of all checks. All its methods may be called by several goroutines.
type run struct {
	Target
	base  string
	also  string // empty: none
	id    string // is part of all names that the run makes up
	users []*user
	// transport connects to the named servers only: it uses no proxy.
	transport *http.Transport

	requests atomic.Int64 // of the check that runs
	numbers  atomic.Int64 // of texts

	// mu guards the fields below it.
	mu     sync.Mutex
	last   int64    // stamp
	busy   int      // answers of 429 and 503
	silent []string // calls that got such an answer without a good Retry-After
}

// people is the number of users.
const people = 4

// Run makes all checks. When the server does not answer, the first line of the report
// fails and the other lines are not checked. It returns when ctx ends, at the latest after
// one minute for each line.
func Run(ctx context.Context, target Target) Report {
	report := Report{URL: target.URL, Profile: target.Profile.Name}
	r, err := newRun(target)
	if err == nil {
		defer r.transport.CloseIdleConnections()
		err = r.bounded(ctx, r.signIn)
	}
	ready := err == nil
	report.Lines = append(report.Lines, lineOf("profile", "The server answers requests as the profile says.", "", err))
	for _, c := range checks {
		seen, err := "", error(gap("see the line profile"))
		if ready {
			err = r.bounded(ctx, func(ctx context.Context) (err error) {
				seen, err = c.ask(r, ctx)
				return err
			})
		}
		report.Lines = append(report.Lines, lineOf(c.name, c.want, seen, err))
	}
	return report
}

func lineOf(name, want, seen string, err error) Line {
	line := Line{Name: name, Want: want, Verdict: Pass, Seen: seen}
	if err != nil {
		line.Verdict, line.Seen = Fail, err.Error()
	}
	if reason, ok := errors.AsType[gap](err); ok {
		line.Verdict, line.Seen = NotChecked, string(reason)
	}
	return line
}

func newRun(target Target) (*run, error) {
	if err := target.Profile.validate(); err != nil {
		return nil, err
	}
	if target.Hurry < 0 || target.Hurry > mostHurry || target.Patience < 0 {
		return nil, fmt.Errorf("check: Target.Hurry is from 0 to %d, and Patience is not negative", mostHurry)
	}
	if target.Patience == 0 {
		target.Patience = 10 * time.Second
	}
	r := &run{Target: target, id: strings.ToLower(rand.Text()[:8]), transport: &http.Transport{MaxIdleConnsPerHost: 32, ForceAttemptHTTP2: true}}
	var err error
	if r.base, err = baseOf(target.URL); err != nil {
		return nil, err
	}
	if target.Also != "" {
		if r.also, err = baseOf(target.Also); err != nil {
			return nil, err
		}
	}
	for i := range people {
		r.users = append(r.users, r.person("check-"+r.id+"-"+strconv.Itoa(i+1)))
	}
	return r, nil
}

func (r *run) person(name string) *user {
	jar, _ := cookiejar.New(nil) // never fails
	return &user{name: name, client: &http.Client{Transport: r.transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// baseOf checks the URL of a server, which has no path and no query.
func baseOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("check: %q is not the URL of a server, such as http://localhost:8080", text)
	}
	return u.Scheme + "://" + u.Host, nil
}

// bounded runs a part of the run within its time and its number of requests.
func (r *run) bounded(ctx context.Context, part func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	r.requests.Store(0)
	return part(ctx)
}

func (r *run) signIn(ctx context.Context) error {
	bases := []string{r.base}
	if r.also != "" && hostOf(r.also) != hostOf(r.base) { // cookies go by host, not by port
		bases = append(bases, r.also)
	}
	for _, base := range bases {
		for _, u := range r.users {
			if r.Profile.SignIn == nil {
				break
			}
			c := r.Profile.SignIn.fill(values{user: u.name})
			c.user = u
			if a, err := r.settleAt(ctx, base, c); err != nil {
				return err
			} else if !a.ok() {
				return failf("%s answered %s: nobody can sign in", c, a)
			}
		}
	}
	entity, err := r.entity(ctx)
	if err != nil {
		return err
	}
	_, err = r.read(ctx, r.users[0], entity)
	return err
}

func hostOf(base string) string {
	u, _ := url.Parse(base) // was parsed before
	return u.Hostname()
}

// send sends the call once.
func (r *run) send(ctx context.Context, base string, c call) (answer, error) {
	if r.requests.Add(1) > mostRequests+int64(r.Hurry) {
		return answer{}, failf("the check needed more than %d requests", mostRequests)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	response, err := r.do(ctx, base, c)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("%s: the answer broke off: %w", c, err)
	}
	a := answer{status: response.StatusCode, header: response.Header, body: parse(data)}
	r.note(c, a)
	return a, nil
}

// do sends the call and returns the response when its header has arrived.
func (r *run) do(ctx context.Context, base string, c call) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, c.method, base+c.path, body(c.body))
	if err != nil {
		return nil, err
	}
	request.Header = c.header.Clone()
	client := &http.Client{Transport: r.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if c.user != nil {
		client = c.user.client
	}
	return client.Do(request)
}

func body(data []byte) io.Reader {
	if data == nil {
		return nil
	}
	return strings.NewReader(string(data))
}

// note records the answer of a busy server.
func (r *run) note(c call, a answer) {
	if a.status != http.StatusTooManyRequests && a.status != http.StatusServiceUnavailable {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy++
	if text := a.header.Get("Retry-After"); !retryForm(text) && len(r.silent) < 3 {
		r.silent = append(r.silent, fmt.Sprintf("%s answered %d with Retry-After %q", c, a.status, short(text)))
	}
}

// retryForm reports whether the text is a valid Retry-After: whole seconds, or a date.
func retryForm(text string) bool {
	if _, err := strconv.ParseUint(text, 10, 32); err == nil {
		return true
	}
	_, err := http.ParseTime(text)
	return err == nil
}

// settle sends the call, as the client does, until the server is not busy; the number of
// tries is bounded.
func (r *run) settle(ctx context.Context, c call) (answer, error) { return r.settleAt(ctx, r.base, c) }

func (r *run) settleAt(ctx context.Context, base string, c call) (answer, error) {
	for try := 0; ; try++ {
		a, err := r.send(ctx, base, c)
		if err != nil || !a.busy() || try == mostRepeats {
			return a, err
		}
		seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
		if err != nil {
			seconds = 1
		}
		if err := pause(ctx, min(time.Duration(seconds)*time.Second, longestPause)); err != nil {
			return a, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
