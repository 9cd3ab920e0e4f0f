package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// rates are all limits of rate.
type rates struct {
	sessions  *limiter
	addresses *limiter // requests of all sessions of an address
	strangers *limiter // requests without a session, by address
	signIns   *limiter // by address
}

func newRates(perSecond float64, burst int, now func() time.Time) rates {
	return rates{
		sessions:  newLimiter("session", perSecond, burst, now),
		addresses: newLimiter("address", 20*perSecond, 20*burst, now),
		strangers: newLimiter("stranger", 2*perSecond, 2*burst, now),
		signIns:   newLimiter("sign-in", perSecond/20, burst, now),
	}
}

func (r *rates) all() []*limiter { return []*limiter{r.sessions, r.addresses, r.strangers, r.signIns} }

// limiter holds one token bucket for each key.
type limiter struct {
	limit
	name string // name of the allowance, without the key
	now  func() time.Time

	// mu guards the fields below it.
	mu      sync.Mutex
	buckets map[string]bucket
	dueKeys map[string]bool // of buckets that are due; nil: limits are not shared
	wake    chan<- struct{} // signals that a bucket is due; has room for one
}

// mostBuckets bounds the memory that clients can make a limiter use.
const mostBuckets = 20_000

func newLimiter(name string, perSecond float64, burst int, now func() time.Time) *limiter {
	return &limiter{limit: limit{perSecond, float64(burst)}, name: name, now: now, buckets: make(map[string]bucket)}
}

// take takes one token of the key's bucket and returns 0, or the time to wait
// for the next.
func (l *limiter) take(key string) time.Duration {
	if l.perSecond < 0 {
		return 0
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[key]
	if !ok {
		l.makeRoomLocked(now)
		b = l.fresh(now)
	}
	b, wait := l.limit.take(b, now)
	l.keepLocked(key, b)
	return wait
}

func (l *limiter) keepLocked(key string, b bucket) {
	l.buckets[key] = b
	if l.dueKeys == nil || l.dueKeys[key] || !l.due(b) {
		return
	}
	l.dueKeys[key] = true
	l.wakeLocked()
}

func (l *limiter) wakeLocked() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// makeRoomLocked drops full buckets, which carry no information, when there are
// too many; when none is full it drops any.
func (l *limiter) makeRoomLocked(now time.Time) {
	if len(l.buckets) < mostBuckets {
		return
	}
	for key, b := range l.buckets {
		if l.refilled(b, now).tokens >= l.burst {
			l.dropLocked(key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < mostBuckets {
			return
		}
		l.dropLocked(key)
	}
}

func (l *limiter) dropLocked(key string) {
	delete(l.buckets, key)
	delete(l.dueKeys, key)
}

// address returns the address of the request's client. For IPv6 it is the
// network, which belongs to one client.
func (a *API) address(r *http.Request) string {
	if a.options.AddressHeader != "" {
		// The proxy itself has added the last one.
		values := strings.Split(strings.Join(r.Header.Values(a.options.AddressHeader), ","), ",")
		if network, ok := networkOf(strings.TrimSpace(values[len(values)-1])); ok {
			return network
		}
	}
	network, _ := networkOf(r.RemoteAddr) // every TCP connection has one
	return network
}

// networkOf reads an IP address with or without a port.
func networkOf(text string) (string, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return "", false
	}
	if ip = ip.Unmap(); ip.Is6() {
		network, _ := ip.WithZone("").Prefix(64) // fits every IPv6 address
		return network.String(), true
	}
	return ip.String(), true
}
