package httpapi

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestValidHosts: a request for each of the good ones gets through OnlyHosts by that name.
func TestValidHosts(t *testing.T) {
	long := strings.Repeat("a", 63)
	for name, valid := range map[string]bool{
		"engaged.example": true, "Engaged.Example": true, "engaged": true, "xn--bcher-kva.example": true, "a_b.example": true, "192.0.2.1": true,
		"2001:db8::1": true, long + ".example": true,
		"": false, "a b": false, "engaged.example:8080": false, "http://engaged.example": false, "engaged.example/": false, "[2001:db8::1]": false,
		"bücher.example": false, "a..b": false, ".example": false, "example.": false, "*.example": false, "a@b": false, "a,b": false, "a\r\nb": false,
		long + "a.example": false, strings.Repeat("a.", 127) + "ab": false,
	} {
		if ValidHost(name) != valid {
			t.Errorf("%q is valid: %v", name, !valid)
		}
		if !valid {
			continue
		}
		r := httptest.NewRequest("GET", "/", nil)
		if r.Host = name; strings.Contains(name, ":") {
			r.Host = "[" + name + "]"
		}
		passed := false
		OnlyHosts(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }), name).ServeHTTP(httptest.NewRecorder(), r)
		if !passed {
			t.Errorf("nobody can ask for %q", name)
		}
	}
}

func TestValidHeaders(t *testing.T) {
	for name, valid := range map[string]bool{
		"X-Forwarded-For": true, "x-real-ip": true, "CF-Connecting-IP": true, "~": true,
		"": false, "bad header": false, "Bad:": false, "bad header:": false, "X-Ü": false, "a\r\nb": false, `"X"`: false, "a(b)": false,
	} {
		if ValidHeader(name) != valid {
			t.Errorf("%q is valid: %v", name, !valid)
		}
	}
}

// TestOptionsThatMakeNoSense are refused.
func TestOptionsThatMakeNoSense(t *testing.T) {
	for _, o := range []Options{
		{Rate: math.NaN()}, {Rate: math.Inf(1)}, {Rate: math.Inf(-1)}, {Burst: mostBurst + 1}, {Burst: math.MaxInt},
		{AddressHeader: "bad header:"}, {InFlight: -1}, {Streams: -1}, {BodyTimeout: -1},
	} {
		if err := o.fill(); err == nil {
			t.Errorf("taken: %+v", o)
		}
	}
	o := Options{Rate: 1e308, Burst: mostBurst, AddressHeader: "X-Client"}
	if err := o.fill(); err != nil {
		t.Error(err)
	}
}

// TestWaitsAreBounded: who is told to wait for ages is told nothing.
func TestWaitsAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	for _, rate := range []float64{math.SmallestNonzeroFloat64, 1e-9, 1} {
		l := newLimiter("session", rate, 1, func() time.Time { return now })
		l.take("a")
		if wait := l.take("a"); wait < time.Second || wait > longestWait {
			t.Errorf("rate %v: wait %v", rate, wait)
		}
	}
}
