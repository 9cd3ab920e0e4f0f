package httpapi

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
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

func FuzzLimitOf(f *testing.F) {
	for _, s := range []string{"", "0", "1", "100", "101", "020", "+5", "-1", "1e1", " 5", "٥", "99999999999999999999"} {
		f.Add("limit=" + s)
	}
	f.Add("limit=1&limit=2")
	f.Add("limit=%zz")
	f.Fuzz(func(t *testing.T, query string) {
		r := &request{Request: httptest.NewRequest("GET", "/", nil)}
		r.URL.RawQuery = query
		limit, err := limitOf(r)
		if err != nil {
			isBadRequest(t, err)
			return
		}
		text := r.URL.Query().Get("limit")
		if text == "" && limit != wire.DefaultPage || text != "" && strconv.Itoa(limit) != text || limit < 1 || limit > wire.MaxPage {
			t.Fatalf("%q: %d", query, limit)
		}
	})
}

// loopbackHost is the form of accepted hosts; a host that looks like an address must
// be a loopback address, too.
var loopbackHost = regexp.MustCompile(`^((?i:localhost|engaged\.example)|(127\.\d+\.\d+\.\d+)|\[([0-9a-fA-F:.]+)(%25[^\]]+)?\])(:\d*)?$`)

func FuzzOnlyHosts(f *testing.F) {
	for _, s := range []string{"", "localhost", "LOCALHOST:80", "localhost.", "127.0.0.1:1", "127.1", "0x7f000001", "[::1]", "[::1]:80", "::1",
		"[::1", "[::ffff:127.0.0.1]", "[::1%25lo]", "engaged.example:443", "localhost:80.evil.example", "localhost@evil.example",
		"evil.example#localhost", "evil.example/localhost", "localhost\x00.evil.example", "127.0.0.1.evil.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		passed := false
		guarded := OnlyHosts(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }), "engaged.example")
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		if !passed {
			if w.Code != http.StatusMisdirectedRequest {
				t.Fatalf("%q: status %d", host, w.Code)
			}
			return
		}
		form := loopbackHost.FindStringSubmatch(host)
		if form == nil || form[2]+form[3] != "" && !net.ParseIP(form[2]+form[3]).IsLoopback() {
			t.Fatalf("%q was let through", host)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"", "192.0.2.1", "192.0.2.1:80", " 192.0.2.1 ", "::1", "[2001:db8::1]:80", "2001:db8:1:2:3:4:5:6", "fe80::1%eth0",
		"::ffff:192.0.2.1", "unknown", "192.0.2.1, 198.51.100.7", "192.0.2.1,", "010.0.0.1"} {
		f.Add("203.0.113.9", s)
	}
	const header, remote = "X-Client", "198.51.100.1"
	api := &API{options: Options{AddressHeader: header}}
	f.Fuzz(func(t *testing.T, first, last string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote + ":1234"
		r.Header[header] = []string{last}
		address := api.address(r)
		ip, err := netip.ParseAddr(address)
		network, netErr := netip.ParsePrefix(address)
		if (err != nil || !ip.Is4()) && (netErr != nil || network.Bits() != 64 || network != network.Masked()) {
			t.Fatalf("%q: %q is neither an address nor a network", last, address)
		}
		r.Header[header] = []string{first, last}
		if again := api.address(r); again != address {
			t.Fatalf("%q in front of %q makes %q of %q", first, last, again, address)
		}
	})
}
