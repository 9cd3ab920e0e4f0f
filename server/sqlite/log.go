package sqlite

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/optimist-go/optimist/server"
)

const (
	// largeLog is the size of the log beside the file (-wal) at which the log is emptied. SQLite
	// by itself begins it anew only at a moment at which nobody reads; a busy program has no
	// such moment, and the log would grow until the disk is full.
	largeLog = 64 << 20
	// emptyingTime is the longest wait for the reads that still need the log.
	emptyingTime = 500 * time.Millisecond
)

// log is the file in which SQLite keeps the latest commits.
type log struct {
	name string // empty in memory, where there is none
	// large is the size at which the log is to be emptied, and due the size at which this is
	// tried next.
	large, due int64
}

// emptyLog empties the log when it is large. No transaction is open. Reads go on meanwhile:
// new ones do not need the log. If an old one takes too long, it is tried again when the log
// has grown as much again.
func (w *writer) emptyLog() {
	if w.log.name == "" {
		return
	}
	info, err := os.Stat(w.log.name)
	if err != nil || info.Size() < w.log.due {
		return
	}
	w.log.due = info.Size() + w.log.large
	w.waitAtMost(emptyingTime)
	defer w.waitAtMost(busyTime)
	var busy bool
	var pages, written int
	scan := func(scan server.Scan) error { return scan(&busy, &pages, &written) }
	if err := w.query(context.Background(), scan, `PRAGMA wal_checkpoint(TRUNCATE)`, nil); err == nil && !busy {
		w.log.due = w.log.large
	}
}

// waitAtMost sets the longest time for which SQLite waits for others.
func (w *writer) waitAtMost(d time.Duration) {
	_, _ = w.conn.ExecContext(context.Background(), fmt.Sprintf(`PRAGMA busy_timeout = %d`, d.Milliseconds())) // has no error
}
