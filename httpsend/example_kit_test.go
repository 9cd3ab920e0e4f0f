package httpsend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
)

// kitTruth reads the truth in an answer of a server that is made with module server: of an operation,
// or, beside a problem, of one that was refused.
func kitTruth[T any](a httpsend.Answer) (t optimist.Truth[T], err error) {
	var body struct {
		Truth struct {
			Version   uint64
			ChangedAt int64 // milliseconds
			Contains  []string
			Position  string // era.position
			State     *T     // nil: the entity does not exist
		}
	}
	if err = json.Unmarshal(a.Body, &body); err != nil {
		return t, err
	}
	told := body.Truth
	if t = optimist.Gone[T](told.Version); told.State != nil {
		t = optimist.TruthOf(*told.State, told.Version)
	}
	t.At, t.Contains = optimist.TimestampOf(time.UnixMilli(told.ChangedAt)), told.Contains
	if era, position, ok := strings.Cut(told.Position, "."); ok { // a feed of one part
		t.Era, _ = strconv.ParseUint(era, 10, 64)
		t.Position, _ = strconv.ParseUint(position, 10, 64)
	}
	return t, nil
}

// A client of a server that is made with module server. The first answer is lost.
func Example_kit() {
	type Jar struct{ Coins int }
	ctx := context.Background()
	server := httptest.NewServer(losesOneAnswer(`{"truth":{"id":"jar","version":2,"changedAt":1796000000000,"position":"1796000000001.7","state":{"coins":3}},"already":false}`))
	defer server.Close()
	api := &httpsend.Client{
		TruthInRefusals: true,
		KeyAge:          true, // a coin more is a coin more: the server must not do it twice
	}

	m, _ := optimist.New(optimist.Options{Policy: optimist.Policy{Retry: optimist.Retry{Base: time.Millisecond}}})
	jars := optimist.NewStore[Jar](m, "jar")
	add := optimist.Register(jars, optimist.Mutation[Jar, int]{
		Type:  "add",
		Apply: func(j Jar, n int) (Jar, error) { j.Coins += n; return j, nil },
		Send: httpsend.Send(api, func(c optimist.Call[int]) (*http.Request, error) {
			return httpsend.JSON("POST", server.URL+"/jars/"+c.Entity+"/coins", c.Args)
		}, kitTruth[Jar]),
	})
	jars.Receive("jar", optimist.TruthOf(Jar{Coins: 2}, 1))

	h, _ := add.Execute(ctx, "jar", 1)
	r, err := h.Wait(ctx)
	truth := jars.Truth("jar")
	fmt.Println(r.Outcome, "after", r.Calls, "calls:", truth.Value.Coins, "coins at version", truth.Version, err)
	m.Close(ctx)
	// Output: confirmed after 2 calls: 3 coins at version 2 <nil>
}

// losesOneAnswer breaks the first connection off, and then gives the answer.
func losesOneAnswer(answer string) http.Handler {
	var lost bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !lost {
			lost = true
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, answer)
	})
}
