package optimisttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
	"github.com/optimist-go/optimist/optimisttest"
)

// networkFaults are the faults with the class that an HTTP client finds, and the number of times
// that the server handled the request.
var networkFaults = map[string]struct {
	fault   optimisttest.Fault
	class   optimist.Class
	handled int
}{
	"none":             {optimisttest.Fault{}, 0, 1},
	"lost request":     {optimisttest.LostRequest, optimist.Unknown, 0},
	"lost answer":      {optimisttest.LostAnswer, optimist.Unknown, 1},
	"cut answer":       {optimisttest.CutAnswer, optimist.Unknown, 1},
	"garbled answer":   {optimisttest.GarbledAnswer, optimist.Unknown, 1},
	"duplicate":        {optimisttest.Duplicate, 0, 2},
	"slow":             {optimisttest.Fault{Delay: time.Millisecond, AnswerDelay: time.Millisecond}, 0, 1},
	"slow, then lost":  {optimisttest.Fault{Delay: time.Millisecond, LoseAnswer: true}, optimist.Unknown, 1},
	"offline":          {optimisttest.Offline, optimist.Offline, 0},
	"conflict":         {optimisttest.Conflict, optimist.Conflicting, 0},
	"transient":        {optimisttest.Transient, optimist.Transient, 0},
	"permanent":        {optimisttest.Permanent, optimist.Permanent, 0},
	"unauthenticated":  {optimisttest.Unauthenticated, optimist.Unauthenticated, 0},
	"overloaded":       {optimisttest.Overloaded(1500 * time.Millisecond), optimist.Overloaded, 0},
	"status 503":       {optimisttest.Status(503), optimist.Overloaded, 0},
	"status 404":       {optimisttest.Status(404), optimist.Permanent, 0},
	"status 200":       {optimisttest.Status(200), 0, 1},
	"an unknown end":   {optimisttest.Fault{Err: optimist.Fail(optimist.Unknown, errors.New("?"))}, optimist.Unknown, 0},
	"an error without": {optimisttest.Fault{Err: errors.New("?")}, optimist.Unknown, 0},
}

// TestNetworkFaults: each fault looks to an HTTP client as it would from a real network,
// before a handler in memory and before a server.
func TestNetworkFaults(t *testing.T) {
	for name, c := range networkFaults {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			handled := 0
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handled++
				if data, err := io.ReadAll(r.Body); err != nil || string(data) != "7" || r.Host == "" {
					t.Errorf("the server got %q from %q, %v", data, r.Host, err)
				}
				w.WriteHeader(http.StatusCreated)
				io.WriteString(w, "7")
			})
			server := httptest.NewServer(handler)
			defer server.Close()
			for _, network := range []*optimisttest.Network{optimisttest.NewNetwork(nil), optimisttest.NewNetwork(optimisttest.InMemory(handler))} {
				handled = 0
				network.Next(c.fault)
				wait, err := sendOver(t.Context(), network, server.URL)
				var failed *optimist.SendError
				if errors.As(err, &failed) != (c.class != 0) || failed != nil && failed.Class != c.class || handled != c.handled {
					t.Errorf("handled %d times, %v", handled, err)
				}
				if name == "overloaded" && wait != 2*time.Second {
					t.Errorf("to wait %v", wait)
				}
				r := network.Requests()[0]
				if r.Method != "PUT" || r.Path != "/n?x=1" || r.Key != "key-1" || string(r.Body) != "7" || (r.Status == 201) != (c.handled > 0) {
					t.Errorf("noted %+v", r)
				}
			}
		})
	}
}

// sendOver sends one operation, and returns the Retry-After of its error.
func sendOver(ctx context.Context, network http.RoundTripper, server string) (time.Duration, error) {
	client := &httpsend.Client{HTTP: &http.Client{Transport: network}}
	send := httpsend.Send(client,
		func(optimist.Call[int]) (*http.Request, error) { return httpsend.JSON("PUT", server+"/n?x=1", 7) },
		func(a httpsend.Answer) (t optimist.Truth[int], err error) { return t, json.Unmarshal(a.Body, &t.Value) })
	_, err := send(ctx, optimist.Call[int]{ID: "key-1"})
	var failed *optimist.SendError
	if errors.As(err, &failed) {
		return failed.RetryAfter, err
	}
	return 0, err
}

// TestNetworkHangs: a caller's patience ends, and what it sent arrives nevertheless.
func TestNetworkHangs(t *testing.T) {
	for name, c := range map[string]struct {
		fault   optimisttest.Fault
		handled int
	}{
		"lost request": {optimisttest.Fault{LoseRequest: true, Hang: true}, 0},
		"lost answer":  {optimisttest.Fault{LoseAnswer: true, Hang: true}, 1},
		"slow request": {optimisttest.Delay(time.Minute), 1},
		"slow answer":  {optimisttest.Fault{AnswerDelay: time.Minute}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handled := 0
				network := optimisttest.NewNetwork(optimisttest.InMemory(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					handled++
					io.WriteString(w, "7")
				})))
				network.Next(c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				began := time.Now()
				_, err := sendOver(ctx, network, "http://memory")
				if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second {
					t.Errorf("after %v: %v", took, err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if handled != c.handled {
					t.Errorf("handled %d times", handled)
				}
			})
		})
	}
}

// TestInMemory: a handler sees what a server's would, and can break the connection.
func TestInMemory(t *testing.T) {
	client := &http.Client{Transport: optimisttest.InMemory(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/wait":
			<-r.Context().Done()
		}
		io.WriteString(w, r.Method+" "+r.RequestURI+" "+r.Host+" "+r.URL.String())
	}))}
	resp, err := client.Get("http://memory/a?b=c")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "GET /a?b=c memory /a?b=c" {
		t.Errorf("%s, %v", body, err)
	}
	if resp, err := client.Get("http://memory/abort"); err == nil {
		resp.Body.Close()
		t.Error("an aborted answer arrived")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://memory/wait", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
		t.Error("an answer came after the end")
	}
}

// TestNetworkChaos: the same seed gives the same faults.
func TestNetworkChaos(t *testing.T) {
	faults := func() (all []optimisttest.Fault) {
		network := optimisttest.NewNetwork(optimisttest.InMemory(http.NotFoundHandler()))
		network.SetChaos(optimisttest.Chaos{Seed: 7, LostRequest: 0.3, LostAnswer: 0.3, Duplicate: 0.3})
		for range 20 {
			sendOver(t.Context(), network, "http://memory")
		}
		for _, r := range network.Requests() {
			all = append(all, r.Fault)
		}
		return all
	}
	one := faults()
	if !slices.Equal(one, faults()) || !slices.Contains(one, optimisttest.LostAnswer) || !slices.Contains(one, optimisttest.Fault{}) {
		t.Errorf("%+v", one)
	}
}
