package load

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// bar shows how far a run is. It is safe for concurrent use.
type bar struct {
	// mu guards the fields below it.
	mu    sync.Mutex
	out   io.Writer
	what  string
	shown time.Time
}

func newBar(out io.Writer) *bar { return &bar{out: out} }

// say begins another part of the run.
func (b *bar) say(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.what, b.shown = what, time.Time{}
}

func (b *bar) show(n, of int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n < of && time.Since(b.shown) < 100*time.Millisecond {
		return
	}
	b.shown = time.Now()
	const width = 30
	full := width * n / max(of, 1)
	fmt.Fprintf(b.out, "\r%-11s %s%s %d/%d ", b.what, strings.Repeat("█", full), strings.Repeat("░", width-full), n, of)
}

func (b *bar) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.out)
}
