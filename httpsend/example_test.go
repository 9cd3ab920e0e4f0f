package httpsend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/httpsend"
)

// A note is written over HTTP. The server is too busy at first; then somebody else has
// changed the note, and the answer says how it is now.
func Example() {
	type Note struct {
		Text    string
		Version uint64
	}
	ctx := context.Background()
	server := httptest.NewServer(busyThenChanged())
	defer server.Close()
	api := &httpsend.Client{TruthInRefusals: true} // this server's conflicts have the note in them

	request := func(c optimist.Call[string]) (*http.Request, error) {
		r, err := httpsend.JSON("PUT", server.URL+"/notes/"+c.Entity, c.Args)
		if err == nil {
			r.Header.Set("If-Match", fmt.Sprintf(`"%d"`, c.BaseVersion))
		}
		return r, err
	}
	truth := func(a httpsend.Answer) (optimist.Truth[Note], error) {
		var n Note
		err := json.Unmarshal(a.Body, &n)
		return optimist.TruthOf(n, n.Version), err
	}

	m, _ := optimist.New(optimist.Options{Policy: optimist.Policy{Retry: optimist.Retry{Base: time.Millisecond}}})
	notes := optimist.NewStore(m, "note", optimist.StoreOptions[Note]{
		Read: httpsend.Read(api, func(id string) (*http.Request, error) { return http.NewRequest("GET", server.URL+"/notes/"+id, nil) }, truth),
	})
	write := optimist.Register(notes, optimist.Mutation[Note, string]{
		Type:    "write",
		Slot:    func(string) string { return "text" },
		Apply:   func(n Note, text string) (Note, error) { n.Text = text; return n, nil },
		Send:    httpsend.Send(api, request, truth),
		Resolve: optimist.Conflict[Note, string].KeepMine, // a person would be asked
	})
	notes.Receive("7", optimist.TruthOf(Note{Text: "milk", Version: 1}, 1))

	h, _ := write.Execute(ctx, "7", "tea")
	r, err := h.Wait(ctx)
	fmt.Println(r.Outcome, "after", r.Calls, "calls:", notes.View("7").Value.Text, err)
	m.Close(ctx)
	// Output:
	// PUT "tea" if "1": 503
	// PUT "tea" if "1": 412
	// PUT "tea" if "2": 200
	// confirmed after 3 calls: tea <nil>
}

// busyThenChanged is a server with one note. It is busy once, and somebody else has written.
func busyThenChanged() http.HandlerFunc {
	requests := 0
	return func(w http.ResponseWriter, r *http.Request) {
		requests++
		status, text, version := http.StatusOK, "", 2
		json.NewDecoder(r.Body).Decode(&text)
		said := text
		switch {
		case requests == 1:
			status = http.StatusServiceUnavailable
		case r.Header.Get("If-Match") != `"2"`:
			status, said = http.StatusPreconditionFailed, "bread"
		default:
			version = 3
		}
		fmt.Printf("%s %q if %s: %d\n", r.Method, text, r.Header.Get("If-Match"), status)
		w.WriteHeader(status)
		io.WriteString(w, fmt.Sprintf(`{"Text":%q,"Version":%d}`, said, version))
	}
}
