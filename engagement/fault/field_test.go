package fault_test

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist/engagement/fault"
)

// passage is the result of one request.
type passage struct {
	handled    int // times
	cut        bool
	status     int
	retryAfter string
	took       time.Duration
	noted      string
}

// pass sends a request through a network, in a bubble's time.
func pass(n *fault.Network) (p passage) {
	h := n.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { p.handled++ }), nil)
	w := httptest.NewRecorder()
	began := time.Now()
	func() {
		defer func() { p.cut = recover() == http.ErrAbortHandler }()
		r := httptest.NewRequest("PUT", "/x", strings.NewReader("the body"))
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), notes{}, &p.noted)))
	}()
	p.took, p.retryAfter = time.Since(began), w.Header().Get("Retry-After")
	if !p.cut {
		p.status = w.Code
	}
	return p
}

// notes is the key of the text that the faults of a request are added to.
type notes struct{}

func newNetwork(t *testing.T, rule fault.Rule) *fault.Network {
	t.Helper()
	n := fault.New(fault.Options{Seed: 7, Note: func(r *http.Request, fault string) { *r.Context().Value(notes{}).(*string) += fault }})
	if err := n.Set(fault.Everybody, fault.Setting{Rule: rule}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestEachField: the effect of each field of a rule alone.
func TestEachField(t *testing.T) {
	fields := map[string]struct {
		rule fault.Rule
		want passage
	}{
		"LatencyMs":    {fault.Rule{LatencyMs: 60}, passage{handled: 1, status: 200, took: 60 * time.Millisecond}},
		"JitterMs":     {}, // TestJitter
		"LoseRequest":  {fault.Rule{LoseRequest: 1}, passage{cut: true, noted: "lost request"}},
		"LoseAnswer":   {fault.Rule{LoseAnswer: 1}, passage{handled: 1, cut: true, noted: "lost answer"}},
		"Duplicate":    {fault.Rule{Duplicate: 1}, passage{handled: 2, status: 200, noted: "duplicate"}},
		"ServerError":  {fault.Rule{ServerError: 1}, passage{status: 500, noted: "server error"}},
		"Throttle":     {fault.Rule{Throttle: 1}, passage{status: 429, retryAfter: "1", noted: "throttled"}},
		"RetryAfterMs": {fault.Rule{Throttle: 1, RetryAfterMs: 2500}, passage{status: 429, retryAfter: "3", noted: "throttled"}},
		"Offline":      {fault.Rule{Offline: true}, passage{cut: true, noted: "offline"}},
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[fault.Rule]()) {
		test, ok := fields[f.Name]
		if !ok {
			t.Errorf("nothing is said of %s", f.Name)
		}
		if test.rule == (fault.Rule{}) {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			got := pass(newNetwork(t, test.rule))
			if got.status == 503 {
				got.status = 500 // one of both
			}
			if got != test.want {
				t.Errorf("%s: %+v, want %+v", f.Name, got, test.want)
			}
		})
	}
}

// TestJitter: delays are from the latency to the jitter beyond it, and differ.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const latency, jitter = 60 * time.Millisecond, 30 * time.Millisecond
		n := newNetwork(t, fault.Rule{LatencyMs: 60, JitterMs: 30})
		var least, most time.Duration = time.Hour, 0
		for range 100 {
			took := pass(n).took
			least, most = min(least, took), max(most, took)
		}
		if least < latency || most > latency+jitter || most-least < jitter/2 {
			t.Errorf("from %v to %v", least, most)
		}
	})
}

// TestBounds: each field is refused beyond its bounds, by the name that it has in JSON.
func TestBounds(t *testing.T) {
	for i, f := range reflect.VisibleFields(reflect.TypeFor[fault.Rule]()) {
		var good, bad []any
		switch f.Type.Kind() {
		case reflect.Int:
			good, bad = []any{0, 60_000}, []any{-1, 60_001}
		case reflect.Float64:
			good, bad = []any{0.0, 1.0}, []any{-0.01, 1.01, math.NaN()}
		}
		set := func(value any) error {
			var r fault.Rule
			reflect.ValueOf(&r).Elem().Field(i).Set(reflect.ValueOf(value))
			return fault.Validate(r)
		}
		for _, value := range good {
			if err := set(value); err != nil {
				t.Errorf("%s %v: %v", f.Name, value, err)
			}
		}
		for _, value := range bad {
			if err := set(value); err == nil || !strings.HasPrefix(err.Error(), f.Tag.Get("json")+" must be from 0 to ") {
				t.Errorf("%s %v: %v", f.Name, value, err)
			}
		}
	}
}
