package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// limiter holds one token bucket for each key.
type limiter struct {
	perSecond float64 // negative: no limit
	burst     float64
	now       func() time.Time

	// mu guards the field below it.
	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time // when tokens was right
}

// mostBuckets bounds the memory that strangers can make a limiter use.
const mostBuckets = 20_000

func newLimiter(perSecond float64, burst int, now func() time.Time) *limiter {
	return &limiter{perSecond: perSecond, burst: float64(burst), now: now, buckets: make(map[string]bucket)}
}

// longestWait is the longest that anybody is told to wait.
const longestWait = time.Hour

// take takes one token of the key's bucket and returns 0, or says how long to
// wait for the next.
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
		b = bucket{l.burst, now}
	}
	b = l.refilled(b, now)
	if b.tokens < 1 {
		l.buckets[key] = b
		return time.Duration(min(max(1, (1-b.tokens)/l.perSecond*float64(time.Second)), float64(longestWait)))
	}
	b.tokens--
	l.buckets[key] = b
	return 0
}

func (l *limiter) refilled(b bucket, now time.Time) bucket {
	elapsed := max(0, now.Sub(b.at).Seconds())
	return bucket{min(l.burst, b.tokens+elapsed*l.perSecond), now}
}

// makeRoomLocked drops full buckets, which are as good as none, when there are
// too many; when none is full it drops any.
func (l *limiter) makeRoomLocked(now time.Time) {
	if len(l.buckets) < mostBuckets {
		return
	}
	for key, b := range l.buckets {
		if l.refilled(b, now).tokens >= l.burst {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < mostBuckets {
			return
		}
		delete(l.buckets, key)
	}
}

// address returns where the request came from. Of IPv6 it is the network, all of
// which belongs to one client.
func (a *API) address(r *http.Request) string {
	if a.options.AddressHeader != "" {
		// The last one is what the proxy itself has added.
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
