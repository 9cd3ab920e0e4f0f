package errorf

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

// TestAsFmt compares with the package that this one stands in for.
func TestAsFmt(t *testing.T) {
	type name string
	for _, c := range []struct {
		format string
		args   []any
	}{
		{"plain", nil},
		{"100 %%, %d of %s", []any{3, "them"}},
		{"%w: %w", []any{io.EOF, io.ErrClosedPipe}},
		{"%v %v %v %v", []any{time.Second, true, 1.5, nil}},
		{"%q %T %T %s", []any{"a\nb", 1, struct{}{}, name("n")}},
		{"%d %d %d", []any{int64(-1), uint8(2), name("")}[:2]},
		{"%v", []any{io.EOF}},
	} {
		if n := len(verbs(c.format)); n != len(c.args) {
			c.format = c.format[:len(c.format)-3]
		}
		want, got := fmt.Errorf(c.format, c.args...), New(c.format, c.args...)
		if got.Error() != want.Error() {
			t.Errorf("%q gives %q, fmt %q", c.format, got, want)
		}
		for _, a := range c.args {
			if err, ok := a.(error); ok && errors.Is(got, err) != errors.Is(want, err) {
				t.Errorf("%q wraps %v: %v", c.format, err, errors.Is(got, err))
			}
		}
	}
}

// TestAnyOperand: whatever is passed, there is a text and no panic.
func TestAnyOperand(t *testing.T) {
	var nilMap map[string]int
	for _, v := range []any{nilMap, []int{1}, struct{ A int }{1}, func() {}, make(chan int), &struct{}{}} {
		if got := Text("%v", v); got == "" {
			t.Errorf("no text for %T", v)
		}
	}
	if got := Text("%d and %s", 1); got != "1 and %!s(MISSING)" {
		t.Errorf("a missing operand gives %q", got)
	}
}

// noText panics when it is asked for its text.
type noText struct{ why any }

func (n *noText) Error() string { panic(n.why) }

// noString panics with itself.
type noString struct{}

func (n noString) String() string { panic(n) }

// TestTextThatPanics: an error or a Stringer is code of the program.
func TestTextThatPanics(t *testing.T) {
	for want, v := range map[string]any{
		"<nil>":         (*noText)(nil),
		"(panic: boom)": &noText{"boom"},
		"(panic)":       noString{},
	} {
		if got := New("%v", v).Error(); got != want {
			t.Errorf("%T gives %q, want %q", v, got, want)
		}
	}
}
