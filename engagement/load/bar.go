package load

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// bar shows the progress of a run: as a bar on a terminal, elsewhere as lines, one for
// each part of the run and one for each tenth of a part. It is safe for concurrent
// use.
type bar struct {
	out      io.Writer
	terminal bool

	// mu guards the fields below it.
	mu    sync.Mutex
	what  string
	shown time.Time // when the bar was drawn
	tenth int       // that was told last
	began time.Time // the part
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

// say begins a new part of the run.
func (b *bar) say(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.what == what {
		return
	}
	b.what, b.shown, b.tenth, b.began = what, time.Time{}, 0, time.Now()
	if b.terminal {
		b.drawLocked(what)
	} else {
		fmt.Fprintln(b.out, what)
	}
}

// show shows the progress of a part of the run, unless another part has begun.
func (b *bar) show(what string, n, of int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.what != what {
		return
	}
	of = max(of, 1)
	if !b.terminal {
		if tenth := 10 * n / of; tenth > b.tenth {
			b.tenth = tenth
			fmt.Fprintf(b.out, "%s %d/%d%s\n", b.what, n, of, left(time.Since(b.began), n, of))
		}
		return
	}
	if n < of && time.Since(b.shown) < 100*time.Millisecond {
		return
	}
	b.shown = time.Now()
	const width = 30
	full := width * n / of
	b.drawLocked(fmt.Sprintf("%-11s %s%s %d/%d%s ", b.what, strings.Repeat("█", full), strings.Repeat("░", width-full), n, of,
		left(time.Since(b.began), n, of)))
}

// left returns an estimate of the time that is left for a part of which n are done, as
// text; empty for less than a second.
func left(took time.Duration, n, of int) string {
	if n == 0 {
		return ""
	}
	d := time.Duration(float64(took) * float64(of-n) / float64(n)).Round(time.Second)
	if d < time.Second {
		return ""
	}
	return fmt.Sprintf(", %v left", d)
}

// drawLocked replaces the line on the terminal.
func (b *bar) drawLocked(line string) {
	const clear = "\r\x1b[K"
	fmt.Fprint(b.out, clear, line)
}

// end ends the line of the bar.
func (b *bar) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.terminal {
		fmt.Fprintln(b.out)
	}
}
