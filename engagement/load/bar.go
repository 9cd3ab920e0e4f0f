package load

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// bar shows how far a run is: as a bar on a terminal, elsewhere as a line for each tenth.
// It is safe for concurrent use.
type bar struct {
	out      io.Writer
	terminal bool

	// mu guards the fields below it.
	mu    sync.Mutex
	what  string
	shown time.Time // when the bar was drawn
	tenth int       // that was told last
}

func newBar(out io.Writer) *bar { return &bar{out: out, terminal: isTerminal(out)} }

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// say begins another part of the run.
func (b *bar) say(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.what, b.shown, b.tenth = what, time.Time{}, -1
}

func (b *bar) show(n, of int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	of = max(of, 1)
	if !b.terminal {
		if tenth := 10 * n / of; tenth > b.tenth {
			b.tenth = tenth
			fmt.Fprintf(b.out, "%s %d/%d\n", b.what, n, of)
		}
		return
	}
	if n < of && time.Since(b.shown) < 100*time.Millisecond {
		return
	}
	b.shown = time.Now()
	const width = 30
	full := width * n / of
	fmt.Fprintf(b.out, "\r%-11s %s%s %d/%d ", b.what, strings.Repeat("█", full), strings.Repeat("░", width-full), n, of)
}

func (b *bar) end() {
	if b.terminal {
		fmt.Fprintln(b.out)
	}
}
