package optimist_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
)

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
	bank := &httpsend.Client{HTTP: &http.Client{Transport: inMemory{handler}}}

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
			_, err = bank.Do(req) // with the key, which it finds in the context as optimist.CallFrom does
			return err
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
