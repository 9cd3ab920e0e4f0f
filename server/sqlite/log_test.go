package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/server"
)

// TestLogStaysSmallBesideReads: there is no moment at which nobody reads.
func TestLogStaysSmallBesideReads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "busy.db")
	db, err := Open(t.Context(), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.writer.log.large, db.writer.log.due = 1<<20, 1<<20

	over, last := make(chan struct{}), make(chan struct{})
	var read func(begun chan<- struct{})
	read = func(begun chan<- struct{}) {
		err := db.Read(context.Background(), func(context.Context, server.Moment) error {
			close(begun)
			select {
			case <-over:
				close(last)
			default: // it goes on until the next one has begun
				next := make(chan struct{})
				go read(next)
				<-next
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	first := make(chan struct{})
	go read(first)
	<-first
	for range 150 {
		err := db.write(t.Context(), func(ctx context.Context, tx server.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO optimist_probe (filling) VALUES ($1)`, strings.Repeat(" ", 50_000))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(over)
	<-last
	info, err := os.Stat(file + "-wal")
	if err != nil || info.Size() > 4<<20 {
		t.Errorf("after 7 MB of commits the log has %d bytes, %v", info.Size(), err)
	}
}

// TestLogThatIsReadDelaysNoWriterForLong: a long read needs the log, and the writer goes on.
func TestLogThatIsReadDelaysNoWriterForLong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "held.db")
	db, err := Open(t.Context(), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.writer.log.large, db.writer.log.due = 1, 1
	write := func() {
		t.Helper()
		if err := db.write(t.Context(), func(context.Context, server.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := db.NewEra(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	err = db.Read(t.Context(), func(context.Context, server.Moment) error {
		write()
		if db.writer.log.due == 1 {
			t.Error("it was not tried to empty the log")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	db.writer.log.due = 2
	write()
	if info, err := os.Stat(file + "-wal"); err != nil || db.writer.log.due != 1 {
		t.Errorf("the log has %d bytes, %v, and is due at %d", info.Size(), err, db.writer.log.due)
	}
}
