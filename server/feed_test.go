package server

import "testing"

func TestTheTextOfACursorIsReadStrictly(t *testing.T) {
	for _, c := range []Cursor{{}, {Era: 1, At: []int64{0}}, {Era: 7, At: []int64{3, 1 << 62}}} {
		again, err := ParseCursor(c.String())
		if err != nil || again.String() != c.String() || again.IsZero() != c.IsZero() {
			t.Errorf("%+v -> %q -> %+v, %v", c, c, again, err)
		}
	}
	for _, text := range []string{"1", ".", "1.", ".1", "01.2", "1.02", "+1.2", "1.-2", "1.2 ", "1.2.", "a.b", "1.9223372036854775808"} {
		if c, err := ParseCursor(text); err == nil {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("1.2.3")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCursor(text); err == nil && c.String() != text {
			t.Fatalf("%q is read as %q", text, c)
		}
	})
}
