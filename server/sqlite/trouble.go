package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/optimist-go/optimist/server"
)

// explain wraps an error of the disk during a write in ErrUnavailable, because it may
// pass, and records that the disk is in trouble. It returns all other errors unchanged.
func (d *Database) explain(err error) error {
	explained := d.explainReading(err)
	if errors.Is(explained, server.ErrUnavailable) && !errors.Is(err, server.ErrUnavailable) {
		d.writer.troubled.Store(true)
	}
	return explained
}

// explainReading is explain for errors of reading.
func (d *Database) explainReading(err error) error {
	if r, ok := err.(rowError); ok {
		return r.error
	}
	if d.reads != nil && d.reads.isClosed() && err != nil && !errors.Is(err, server.ErrUnavailable) {
		return fmt.Errorf("%w: %w", errClosed(), err)
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok || errors.Is(err, server.ErrUnavailable) {
		return err
	}
	switch e.Code() & 0xff { // the higher bits name the failed call
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("sqlite: the disk does not take or give anything now: %w: %w", server.ErrUnavailable, err)
	}
	return err
}

// Ready implements [server.Database]. After the disk has refused a write, Ready fails
// until a commit works again.
func (d *Database) Ready(ctx context.Context) error {
	if err := d.atMoment(ctx, func(*moment) error { return nil }); err != nil {
		return err
	}
	if !d.writer.troubled.Load() {
		return nil
	}
	if err := d.writeForNothing(ctx); err != nil {
		return err
	}
	d.writer.troubled.Store(false)
	return nil
}

// probeSize is the size of the row that a probe writes, in bytes: larger than the body of
// any operation.
const probeSize = 64 << 10

// writeForNothing writes a row to try the disk, and then removes it. (In one transaction
// SQLite would not write its pages at all.)
func (d *Database) writeForNothing(ctx context.Context) error {
	for _, step := range []func(ctx context.Context, tx server.Tx) error{
		func(ctx context.Context, tx server.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO optimist_probe (filling) VALUES ($1)`, strings.Repeat(" ", probeSize))
			return err
		},
		func(ctx context.Context, tx server.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM optimist_probe`)
			return err
		},
	} {
		if err := d.write(ctx, step); err != nil {
			return err
		}
	}
	return nil
}
