package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/optimist-go/optimist/engagement/wire"
)

// isBadRequest fails unless the error is a refusal that blames the client.
func isBadRequest(t *testing.T, err error) {
	t.Helper()
	if r, ok := errors.AsType[*refusal](err); !ok || r.status != http.StatusBadRequest {
		t.Fatalf("refused with %T %v", err, err)
	}
}

func FuzzKeyOf(f *testing.F) {
	for _, s := range []string{"", "key", `"key"`, `"key`, `""`, "a b", "a\x00b", "клю\u0447"} {
		f.Add(s, "", false)
	}
	f.Add("key", "key", true)
	f.Fuzz(func(t *testing.T, first, second string, twice bool) {
		r := &request{Request: httptest.NewRequest("PUT", "/", nil)}
		r.Header[wire.HeaderKey] = []string{first}
		if twice {
			r.Header[wire.HeaderKey] = []string{first, second}
		}
		key, err := keyOf(r)
		if err != nil {
			isBadRequest(t, err)
			return
		}
		if err := wire.CheckKey("key", key); err != nil || twice {
			t.Fatalf("%q, %q: took %q", first, second, key)
		}
		if first != key && first != `"`+key+`"` {
			t.Fatalf("%q became %q", first, key)
		}
	})
}

func FuzzPositionOf(f *testing.F) {
	for _, s := range []string{"", "0", "5", "+5", "-1", "05", " 5", "1e3", "9223372036854775807", "9223372036854775808", "٥"} {
		f.Add("after="+s, s)
	}
	f.Add("after=1&after=2", "")
	f.Add("other=1", "")
	f.Add("after=%zz", "")
	f.Fuzz(func(t *testing.T, query, lastEventID string) {
		r := &request{Request: httptest.NewRequest("GET", "/", nil)}
		r.URL.RawQuery = query
		r.Header["Last-Event-Id"] = []string{lastEventID}
		after, asked, err := positionOf(r)
		if err != nil {
			isBadRequest(t, err)
			return
		}
		text := lastEventID
		if text == "" {
			text = r.URL.Query().Get("after")
		}
		if asked != (text != "") || asked && strconv.FormatInt(after, 10) != text || after < 0 {
			t.Fatalf("%q, %q: %d, %v", query, lastEventID, after, asked)
		}
	})
}
