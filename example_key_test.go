package optimist_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/optimist-go/optimist"
)

// keyed gives every request of a Send its operation's idempotency key.
type keyed struct{ http.RoundTripper }

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	if call, ok := optimist.CallFrom(r.Context()); ok {
		r = r.Clone(r.Context())
		r.Header.Set("Idempotency-Key", call.ID)
	}
	return k.RoundTripper.RoundTrip(r)
}

// A call whose answer is lost is made again. The server knows it by its key, and does
// once what it is asked twice.
func Example_idempotencyKey() {
	ctx := context.Background()
	paid := make(map[string]int) // what was paid under which key
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if _, known := paid[key]; known {
			return // as before
		}
		paid[key] = 20
		w.WriteHeader(http.StatusGatewayTimeout) // the answer is lost on its way
	})
	client := &http.Client{Transport: keyed{inMemory{handler}}}

	m, _ := optimist.New(optimist.Options{Policy: optimist.Policy{Retry: optimist.Retry{Base: time.Millisecond}}})
	balance := 100
	h, _ := m.Execute(ctx, optimist.Update{
		Type: "pay", Entity: "account:7",
		Apply: func() (rollback func()) {
			balance -= 20
			return func() { balance += 20 }
		},
		Send: func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, "POST", "https://bank.example/pay", nil)
			if err != nil {
				return optimist.Fail(optimist.Permanent, err)
			}
			resp, err := client.Do(req)
			if err != nil {
				return optimist.Fail(optimist.Unknown, err) // it may have arrived
			}
			defer resp.Body.Close()
			return optimist.StatusError(resp.StatusCode, 0, nil)
		},
	})
	r, _ := h.Wait(ctx)
	fmt.Println(r.Outcome, "after", r.Calls, "calls, balance", balance)
	fmt.Println(len(paid), "payment under the operation's id:", paid[h.ID()])
	m.Close(ctx)
	// Output:
	// confirmed after 2 calls, balance 80
	// 1 payment under the operation's id: 20
}

// inMemory is a network to one server.
type inMemory struct{ server http.Handler }

func (n inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	n.server.ServeHTTP(answer, r)
	return answer.Result(), nil
}
