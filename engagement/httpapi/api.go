package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/server"
)

// Options are the options of an [API]. The zero value of a field means the default
// named there. No field may be negative unless its comment says so.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// SessionLife is the lifetime of a session; 0 means 7 days.
	SessionLife time.Duration

	// SecureCookies marks the session cookie as secure even when the request came without
	// TLS, as it does behind a proxy.
	SecureCookies bool

	// Rate is the number of requests per second that a session may send in the long run,
	// and Burst the number at once, at most 1,000,000; 0 means 50 and 200. An address may
	// send twenty times as many with all of its sessions and twice as many without a
	// session, and sign in Burst times at once and Rate/20 times per second. A negative
	// Rate removes these limits and all other limits per address. With [API.ShareLimits]
	// these limits hold for several servers together; all other limits hold for one
	// server.
	Rate  float64
	Burst int

	// InFlight is the greatest number of requests that run at once, and InFlightEach the
	// number for one address, not counting streams; 0 means 512 and 64. Twice as many
	// requests may be open: a request does not run while its body arrives or the client
	// takes its answer. When all places are taken, some requests with slow clients are
	// ended, so that slow clients do not shut others out.
	InFlight     int
	InFlightEach int

	// Streams is the greatest number of event streams, StreamsEach the number for one
	// session (or address, when signed out), and StreamsAddress the number for one
	// address with all of its sessions; 0 means 2000, 32 and 256. When all places are
	// taken, a stream of the address with the most streams makes way for a stream of an
	// address with fewer.
	Streams        int
	StreamsEach    int
	StreamsAddress int

	// AddressHeader is the header in which a proxy in front names the client's address;
	// empty: there is no proxy. Without it all requests come from the proxy.
	AddressHeader string

	// Heartbeat is the longest silence on an event stream; 0 means 15 s.
	Heartbeat time.Duration

	// BodyTimeout is the longest time for the arrival of a body, in addition to one
	// second for each KiB; 0 means 10 s.
	BodyTimeout time.Duration

	// EventTimeout is the longest time for writing one event to a client; 0 means 30 s.
	EventTimeout time.Duration
}

// mostBurst is the largest Options.Burst.
const mostBurst = 1_000_000

func (o *Options) fill() error {
	if o.SessionLife < 0 || o.Burst < 0 || o.Heartbeat < 0 || o.BodyTimeout < 0 || o.EventTimeout < 0 ||
		min(o.InFlight, o.InFlightEach, o.Streams, o.StreamsEach, o.StreamsAddress) < 0 {
		return errors.New("httpapi: no option but Rate may be negative")
	}
	switch {
	case math.IsNaN(o.Rate) || math.IsInf(o.Rate, 0):
		return errors.New("httpapi: Options.Rate must be a finite number")
	case o.Burst > mostBurst:
		return errors.New("httpapi: Options.Burst must be at most 1,000,000; a negative Rate is no limit")
	case o.AddressHeader != "" && !ValidHeader(o.AddressHeader):
		return fmt.Errorf("httpapi: Options.AddressHeader: a header cannot be named %q", o.AddressHeader)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	orElse(&o.SessionLife, 7*24*time.Hour)
	orElse(&o.Rate, 50)
	orElse(&o.Burst, 200)
	orElse(&o.InFlight, 512)
	orElse(&o.InFlightEach, 64)
	orElse(&o.Streams, 2000)
	orElse(&o.StreamsEach, 32)
	orElse(&o.StreamsAddress, 256)
	if o.Rate < 0 {
		o.InFlightEach, o.StreamsAddress = math.MaxInt, math.MaxInt
	}
	orElse(&o.Heartbeat, 15*time.Second)
	orElse(&o.BodyTimeout, 10*time.Second)
	orElse(&o.EventTimeout, 30*time.Second)
	return nil
}

func orElse[T comparable](option *T, otherwise T) {
	var zero T
	if *option == zero {
		*option = otherwise
	}
}

// API answers the requests of clients. Make one with [New], and put it behind [Guard].
// An API is safe for concurrent use.
type API struct {
	options Options
	store   engagement.Store
	seal    engagement.SessionSeal
	mux     *http.ServeMux
	events  http.Handler // of the streams
	kit     *server.Kit
	origins *http.CrossOriginProtection

	rates
	come           room // requests, by address
	inFlight       room // running requests, by address
	streams        room // by address
	sessionStreams room // by session, or address when signed out

	draining  chan struct{} // closed by Drain
	drainOnce sync.Once
}

// sessionSecret is the name under which the store keeps the secret of sessions.
const sessionSecret = "session"

// New returns an API on the store, and on the kit for its event streams. The caller
// closes both. The kit must have [Viewer] as its Options.User. The secret of sessions
// is kept in the store, so that sessions outlive the process.
func New(ctx context.Context, store engagement.Store, kit *server.Kit, options Options) (*API, error) {
	if err := options.fill(); err != nil {
		return nil, err
	}
	fresh := make([]byte, engagement.SecretSize)
	rand.Read(fresh)
	secret, err := store.Secret(ctx, sessionSecret, fresh)
	if err != nil {
		return nil, err
	}
	seal, err := engagement.NewSessionSeal(secret)
	if err != nil {
		return nil, err
	}
	a := &API{
		options: options,
		store:   store,
		seal:    seal,
		origins: http.NewCrossOriginProtection(),
		rates:   newRates(options.Rate, options.Burst, options.Now),
		come: room{most: twice(options.InFlight), mostEach: twice(options.InFlightEach), patience: clientPatience, now: options.Now,
			full: tooMany, fullEach: tooManyOfAddress},
		inFlight: room{most: options.InFlight, mostEach: options.InFlightEach, now: options.Now,
			full: tooMany, fullEach: tooManyOfAddress},
		streams: room{most: options.Streams, mostEach: options.StreamsAddress, now: options.Now,
			full: "too many event streams", fullEach: "too many event streams of one address"},
		sessionStreams: room{most: math.MaxInt, mostEach: options.StreamsEach, now: options.Now,
			fullEach: "too many event streams of one session"},
		draining: make(chan struct{}),
	}
	a.kit, a.events = kit, a.newEvents(kit)
	a.mux = a.newMux()
	return a, nil
}

// clientPatience is the time for which a request may wait for its client before it
// makes way for another request of its own address.
const clientPatience = time.Second

const (
	tooMany          = "too many requests at once"
	tooManyOfAddress = "too many requests of one address at once"
)

// twice doubles a count, and saturates.
func twice(n int) int { return n + min(n, math.MaxInt-n) }

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Drain ends all event streams, and refuses new ones, so that the server can
// shut down; /readyz says so. It does not wait. Other requests go on.
func (a *API) Drain() {
	a.drainOnce.Do(func() { close(a.draining) })
	a.kit.Drain()
}
