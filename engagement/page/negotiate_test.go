package page

import "testing"

func TestWeightFor(t *testing.T) {
	for _, row := range []struct {
		values []string
		want   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"gzip"}, true},
		{[]string{"GZip"}, true},
		{[]string{"deflate, gzip;q=1.0, *;q=0.5"}, true},
		{[]string{"gzip;q=0.001"}, true},
		{[]string{"br", "gzip"}, true},
		{[]string{"*"}, true},
		{[]string{"br, *;q=0.1"}, true},
		{[]string{"x-gzip"}, true},
		{[]string{" gzip ; q = 0.5 "}, true},
		{[]string{"gzip;q=0"}, false},
		{[]string{"gzip;q=0.000"}, false},
		{[]string{"gzip; Q=0"}, false},
		{[]string{"*, gzip;q=0"}, false},
		{[]string{"gzip;q=0, *"}, false},
		{[]string{"*;q=0"}, false},
		{[]string{"identity"}, false},
		{[]string{"br"}, false},
		{[]string{"notgzip"}, false},
		{[]string{"gzipped, br"}, false},
		{[]string{"gzip;q="}, false},
		{[]string{"gzip;q=much"}, false},
		{[]string{"gzip;q=-1"}, false},
		{[]string{"gzip;q=NaN"}, false},
		{[]string{"gzip;level=9"}, false},
		{[]string{";;,=,"}, false},
	} {
		if got := weightFor(row.values, "gzip", "x-gzip") > 0; got != row.want {
			t.Errorf("%q: %v", row.values, got)
		}
	}
}

// TestCoding: the client gets the coding that it likes best, and of two equal ones the
// smaller one.
func TestCoding(t *testing.T) {
	both := file{zip: []byte("z"), small: func() []byte { return []byte("s") }}
	late := file{zip: []byte("z"), small: func() []byte { return nil }}
	for _, row := range []struct {
		accepted   string
		both, late string
	}{
		{"gzip, deflate, br, zstd", "br", "gzip"},
		{"br;q=0.5, gzip;q=0.9", "gzip", "gzip"},
		{"br;q=0.9, gzip;q=0.5", "br", "gzip"},
		{"br", "br", ""},
		{"br;q=0, gzip", "gzip", "gzip"},
		{"br;q=0, *", "gzip", "gzip"},
		{"*", "br", "gzip"},
		{"gzip", "gzip", "gzip"},
		{"zstd", "", ""},
		{"", "", ""},
	} {
		got, _ := both.as([]string{row.accepted})
		now, _ := late.as([]string{row.accepted})
		if got != row.both || now != row.late {
			t.Errorf("%q: %q, and %q before it is squeezed; want %q and %q", row.accepted, got, now, row.both, row.late)
		}
	}
}

func TestHolds(t *testing.T) {
	const tag = `"abc"`
	for value, want := range map[string]bool{
		tag: true, "W/" + tag: true, `"x", ` + tag: true, "*": true,
		"": false, `"x"`: false, "abc": false, `"abcd"`: false, `W/"x"`: false,
	} {
		if got := holds([]string{value}, tag); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if !holds([]string{`"x"`, tag}, tag) || holds(nil, tag) {
		t.Error("several headers are not read as one")
	}
}
