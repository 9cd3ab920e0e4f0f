package load

import (
	"os"
	"strings"
	"testing"
)

// play is a short run, as a bar shows it.
func play(b *bar) {
	b.say("tapping")
	for n := range 40 {
		b.show("tapping", n+1, 40)
	}
	b.say("settling")
	b.say("settling")
	b.show("tapping", 39, 40) // from who comes late
	b.end()
}

func TestBarAsLines(t *testing.T) {
	var out strings.Builder
	play(newBar(&out))
	want := "tapping\ntapping 4/40\ntapping 8/40\ntapping 12/40\ntapping 16/40\ntapping 20/40\n" +
		"tapping 24/40\ntapping 28/40\ntapping 32/40\ntapping 36/40\ntapping 40/40\nsettling\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}

func TestBarOnTerminal(t *testing.T) {
	var out strings.Builder
	play(&bar{out: &out, terminal: true})
	lines := strings.Split(out.String(), "\r\x1b[K")
	if first, last := lines[1], lines[len(lines)-1]; first != "tapping" || last != "settling\n" || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%q", lines)
	}
	begun, full := lines[2], lines[len(lines)-2]
	if want := "tapping     " + strings.Repeat("░", 30) + " 1/40 "; begun != want {
		t.Errorf("%q, want %q", begun, want)
	}
	if want := "tapping     " + strings.Repeat("█", 30) + " 40/40 "; full != want {
		t.Errorf("%q, want %q", full, want)
	}
	if len(lines) > 30 {
		t.Errorf("it was drawn %d times in no time", len(lines))
	}
}

// TestIsTerminal: a file and a buffer are none, and a device counts as one.
func TestIsTerminal(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	if isTerminal(file) || isTerminal(&strings.Builder{}) || !isTerminal(device) {
		t.Error("what is a terminal is not told apart")
	}
}
