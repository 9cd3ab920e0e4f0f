package sqlitejournal

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/optimist-go/optimist/internal/groupcommit"
	"github.com/optimist-go/optimist/journal"
)

var (
	_ journal.Journal = (*Journal)(nil)
)

// groupLimit bounds the data of one transaction, in bytes, unless it is of one Write.
const groupLimit = 16 << 20

// Journal is a [journal.Journal] in a table. [Open] makes one. Its methods are safe
// for concurrent use.
type Journal struct {
	db         *sql.DB
	table      string
	inMemory   bool
	durability journal.Durability
	number     int64 // of this owner, by the counter in the database
	queue      *groupcommit.Queue[[]journal.Record]

	// ioMu is held during a transaction, so that the journal has one at a time. Only the
	// database is called under it.
	ioMu   sync.Mutex
	lock   io.Closer // the owner's lock, until closed
	closed bool
	damage error // found by Load
	failed error // the reason why the journal has stopped; never unset
}

// Durability returns the durability of a commit of the database, by its PRAGMA
// synchronous when the journal was opened. The pragma belongs to a connection: set it
// in the driver's hook for new connections.
func (j *Journal) Durability() journal.Durability { return j.durability }

// Load returns the live records, ascending by sequence number. It may be called more
// than once.
func (j *Journal) Load() ([]journal.Record, error) {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	if err := j.stateLocked(); err != nil && err != j.damage {
		return nil, err
	}
	live, bad, err := j.read()
	// SQL orders two's complement otherwise than unsigned numbers.
	slices.SortFunc(live, func(a, b journal.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	switch {
	case err != nil && !damaged(err):
		return nil, failure("read", err)
	case err != nil:
		j.damage = fmt.Errorf("sqlitejournal: table %s: %w: %w (recover the database with SQLite's tools)",
			j.table, err, journal.ErrCorrupt)
	case bad > 0:
		j.damage = fmt.Errorf("sqlitejournal: %d records of table %s do not match their checksums: %w (delete those rows to go on without them)",
			bad, j.table, journal.ErrCorrupt)
	}
	return live, j.damage
}

// read returns the records that match their checksums, and the number of the others.
func (j *Journal) read() (live []journal.Record, bad int, err error) {
	rows, err := j.db.Query(`SELECT seq, data, sum FROM ` + j.table)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, sum int64
		var data []byte
		if err := rows.Scan(&seq, &data, &sum); err != nil {
			bad++ // a value of another type than Write writes
			continue
		}
		if sum != checksum(uint64(seq), data) {
			bad++
			continue
		}
		live = append(live, journal.Record{Seq: uint64(seq), Data: data})
	}
	return live, bad, rows.Err()
}

// damaged reports whether a driver that gives SQLite's result code says that the
// database is corrupt or not a database.
func damaged(err error) bool {
	var coded interface{ Code() int }
	return errors.As(err, &coded) && (coded.Code()&0xFF == 11 || coded.Code()&0xFF == 26)
}

func checksum(seq uint64, data []byte) int64 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Checksum(binary.LittleEndian.AppendUint64(nil, seq), table)
	return int64(crc32.Update(sum, table, data))
}

// Write commits records, all or none. Writes that overlap share a transaction.
func (j *Journal) Write(records []journal.Record) error {
	weight := 0
	for _, r := range records {
		if len(r.Data) > journal.MaxData {
			return fmt.Errorf("sqlitejournal: record %d has %d bytes, %d are allowed: %w",
				r.Seq, len(r.Data), journal.MaxData, journal.ErrTooLarge)
		}
		weight += len(r.Data)
	}
	return j.queue.Commit(records, weight)
}

// Close gives up ownership. It leaves the database open.
func (j *Journal) Close() error {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	if err := j.lock.Close(); err != nil {
		return failure("unlock", err)
	}
	return nil
}

// flush commits the batches of a group. The queue calls it, one group at a time.
func (j *Journal) flush(batches [][]journal.Record) error {
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	if err := j.stateLocked(); err != nil {
		return err
	}
	err := j.transact(func(ctx context.Context, conn *sql.Conn) error {
		return j.put(ctx, conn, slices.Concat(batches...))
	})
	var unknown *commitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown), errors.Is(err, journal.ErrOwned):
		j.failed = failure("write to", err)
		return j.failed
	}
	return fmt.Errorf("sqlitejournal: write to table %s: %w (%w; write again when the database is free)",
		j.table, err, journal.ErrRefused)
}

// put writes records in the transaction of conn.
func (j *Journal) put(ctx context.Context, conn *sql.Conn, records []journal.Record) error {
	var last int64
	if err := conn.QueryRowContext(ctx, `SELECT opened FROM `+j.table+`_owner`).Scan(&last); err != nil {
		return err
	}
	if last != j.number {
		return fmt.Errorf("table %s was taken over by another owner: %w", j.table, journal.ErrOwned)
	}
	put, err := conn.PrepareContext(ctx, `INSERT INTO `+j.table+` (seq, data, sum) VALUES (?, ?, ?)
		ON CONFLICT (seq) DO UPDATE SET data = excluded.data, sum = excluded.sum`)
	if err != nil {
		return err
	}
	defer put.Close()
	settle, err := conn.PrepareContext(ctx, `DELETE FROM `+j.table+` WHERE seq = ?`)
	if err != nil {
		return err
	}
	defer settle.Close()
	for _, r := range records {
		if r.Settled {
			_, err = settle.ExecContext(ctx, int64(r.Seq))
		} else {
			data := r.Data
			if data == nil {
				data = []byte{} // nil would be NULL
			}
			_, err = put.ExecContext(ctx, int64(r.Seq), data, checksum(r.Seq, data))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) stateLocked() error {
	switch {
	case j.closed:
		return fmt.Errorf("sqlitejournal: table %s: %w", j.table, journal.ErrClosed)
	case j.failed != nil:
		return j.failed
	}
	return j.damage
}

func failure(op string, err error) error {
	return fmt.Errorf("sqlitejournal: %s the database: %w (%w; open the journal again when the database is well)",
		op, err, journal.ErrFailed)
}
