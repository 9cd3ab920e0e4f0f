package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement"
)

// Options of an API. The zero value is ready for use; zero means the default
// that is named. No field may be negative unless it says so.
type Options struct {
	// Log gets one line for each request; nil means slog.Default.
	Log *slog.Logger

	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// SessionLife is how long a session lasts; 0 means 7 days.
	SessionLife time.Duration

	// SecureCookies keeps the session cookie to TLS even when the request came
	// without, as it does behind a proxy.
	SecureCookies bool

	// Rate is how many requests per second a session may send in the long run, and
	// Burst how many at once; 0 means 50 and 200. A negative Rate is no limit.
	// Requests without a session, and sign-ins, share twice that per address.
	Rate  float64
	Burst int

	// InFlight is how many requests run at once, streams not counted; 0 means 512.
	InFlight int

	// Streams is how many event streams there may be, and StreamsEach how many of
	// one session (or address, when signed out); 0 means 2000 and 32.
	Streams     int
	StreamsEach int

	// Heartbeat is the longest silence on an event stream; 0 means 15 s.
	Heartbeat time.Duration

	// BodyTimeout is how long a body may take to arrive; 0 means 10 s.
	BodyTimeout time.Duration

	// EventTimeout is how long a client may take to take an event; 0 means 30 s.
	EventTimeout time.Duration
}

func (o *Options) fill() error {
	if o.SessionLife < 0 || o.Burst < 0 || o.InFlight < 0 || o.Streams < 0 || o.StreamsEach < 0 ||
		o.Heartbeat < 0 || o.BodyTimeout < 0 || o.EventTimeout < 0 {
		return errors.New("httpapi: no option but Rate may be negative")
	}
	orElse(&o.Log, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	orElse(&o.SessionLife, 7*24*time.Hour)
	orElse(&o.Rate, 50)
	orElse(&o.Burst, 200)
	orElse(&o.InFlight, 512)
	orElse(&o.Streams, 2000)
	orElse(&o.StreamsEach, 32)
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

// API answers the requests of clients. Make one with New; put it behind Guard.
// It is safe for concurrent use.
type API struct {
	options Options
	store   engagement.Store
	seal    engagement.SessionSeal
	mux     *http.ServeMux
	origins *http.CrossOriginProtection

	sessions  *limiter
	addresses *limiter
	running   runningKeys
	streams   streamCount
	inFlight  chan struct{} // holds one element for each request in flight

	draining  chan struct{} // closed by Drain
	drainOnce sync.Once
}

// sessionSecret is the name under which the store keeps the secret of sessions.
const sessionSecret = "session"

// New returns an API on the store, which stays the caller's to close. The secret
// of sessions is the store's, so that they outlive the process.
func New(ctx context.Context, store engagement.Store, options Options) (*API, error) {
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
		options:   options,
		store:     store,
		seal:      seal,
		origins:   http.NewCrossOriginProtection(),
		sessions:  newLimiter(options.Rate, options.Burst, options.Now),
		addresses: newLimiter(2*options.Rate, 2*options.Burst, options.Now),
		inFlight:  make(chan struct{}, options.InFlight),
		draining:  make(chan struct{}),
	}
	a.streams.most, a.streams.mostEach = options.Streams, options.StreamsEach
	a.mux = a.newMux()
	return a, nil
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Drain ends all event streams, and refuses new ones, so that the server can
// shut down; /readyz says so. It does not wait. Other requests go on.
func (a *API) Drain() { a.drainOnce.Do(func() { close(a.draining) }) }
