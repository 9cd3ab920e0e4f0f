package nethttp

import (
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/optimist-go/optimist/engagement/client"
)

// FuzzReadEvents: no stream of a server overwhelms the reader or makes it return
// nil, and the result does not depend on the pieces in which the stream arrives.
func FuzzReadEvents(f *testing.F) {
	for _, s := range []string{
		"", "\n\n", "id: 1\nevent: hello\ndata: {}\n\n", "event: truth\ndata: a\ndata: b\n\n", "data\n\n", ":comment\n\n",
		"data:x\r\n\r\n", "id: 1\n\nid", "event: \xff\ndata: \x00\n\n", "retry: 1000\n\n", "data:\n\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		var whole, pieces []client.Event
		if readEvents(strings.NewReader(stream), func(e client.Event) { whole = append(whole, e) }) == nil {
			t.Fatal("a stream ended without a reason")
		}
		if readEvents(iotest.OneByteReader(strings.NewReader(stream)), func(e client.Event) { pieces = append(pieces, e) }) == nil {
			t.Fatal("a stream ended without a reason")
		}
		if !reflect.DeepEqual(whole, pieces) {
			t.Fatalf("whole %+v, in pieces %+v", whole, pieces)
		}
		size := 0
		for _, e := range whole {
			if e.Name == "" && e.Data == nil {
				t.Fatalf("an event of nothing: %+v", e)
			}
			size += len(e.Name) + len(e.ID) + len(e.Data)
		}
		if size > len(stream) {
			t.Fatalf("%d bytes became %d", len(stream), size)
		}
	})
}

// TestLineBeyondAllBounds: a server cannot make the client hold more than maxLine.
func TestLineBeyondAllBounds(t *testing.T) {
	endless := strings.NewReader("data: " + strings.Repeat("x", maxLine+1))
	err := readEvents(endless, func(client.Event) { t.Error("an event was taken") })
	if err == nil || err.Error() != "bufio.Scanner: token too long" {
		t.Fatal(err)
	}
}
