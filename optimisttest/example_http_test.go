package optimisttest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
	"github.com/optimist-go/optimist/optimisttest"
)

// This is how a program tests the way from its own Send to its server's handler, in virtual
// time: it gives its http.Client the network.
func TestSumsOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sums := &handler{seen: make(map[string]bool)}
		network := optimisttest.NewNetwork(optimisttest.InMemory(sums))
		api := &httpsend.Client{HTTP: &http.Client{Transport: network}}

		m, err := optimist.New(optimist.Options{})
		if err != nil {
			t.Fatal(err)
		}
		counters := optimist.NewStore[int](m, "counter")
		add := optimist.Register(counters, optimist.Mutation[int, int]{
			Type:  "add",
			Apply: func(sum, n int) (int, error) { return sum + n, nil },
			Send: httpsend.Send(api,
				func(c optimist.Call[int]) (*http.Request, error) {
					return httpsend.JSON("POST", "https://counters.example/"+c.Entity, c.Args)
				},
				func(a httpsend.Answer) (optimist.Truth[int], error) {
					var sum int
					err := json.Unmarshal(a.Body, &sum)
					return optimist.TruthOf(sum, a.Version()), err
				}),
		})
		counters.Receive("1", optimist.TruthOf(0, 0))

		network.Next(optimisttest.Offline, optimisttest.LostAnswer, optimisttest.Overloaded(3*time.Second), optimisttest.CutAnswer)
		h, err := add.Execute(t.Context(), "1", 5)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := h.Wait(t.Context()); err != nil || r.Outcome != optimist.Confirmed {
			t.Errorf("%+v, %v", r, err)
		}
		if sum := counters.View("1").Value; sum != 5 || len(network.Requests()) != 5 {
			t.Errorf("%d after %d requests", sum, len(network.Requests()))
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// handler is the program's server: it adds what it is sent, each key once.
type handler struct {
	sum  int
	seen map[string]bool
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n int
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if key := r.Header.Get("Idempotency-Key"); !h.seen[key] {
		h.seen[key] = true
		h.sum += n
	}
	json.NewEncoder(w).Encode(h.sum)
}
