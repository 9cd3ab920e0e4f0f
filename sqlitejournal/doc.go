// Package sqlitejournal keeps a journal in a table of an SQLite database that the
// program already has. A program without one is better served by package filejournal,
// which needs no driver.
//
// The package uses database/sql alone; the program chooses the driver and opens the
// database.
//
// # Guarantees
//
//   - A Write that returned nil is one committed transaction, or part of one: writes
//     that overlap share a commit. It is as durable as the database's own commits,
//     which [Journal.Durability] reports: with PRAGMA synchronous = FULL they survive
//     the loss of power, with NORMAL (in WAL mode) the death of the process.
//   - A Write that fails before its commit is rolled back and wraps
//     [journal.ErrRefused]: the database was busy or full, and the journal goes on.
//     If a failed commit cannot be rolled back, the journal stops with
//     [journal.ErrFailed].
//   - Every record carries a checksum, because SQLite's pages have none.
//     [Journal.Load] reports records that do not match their checksums with
//     [journal.ErrCorrupt].
//   - The program's other tables and transactions are not touched, and no connection
//     is kept between calls: a pool of one connection is enough.
//
// # Owner
//
// The owner holds the operating system's lock (see package filejournal, Limits) of an
// empty file beside the database, named after it and the table and ending in -lock.
// SQLite's own exclusive lock would keep the program from its database, and a lease
// in a row would need a clock, and a restarted program would have to wait for the end
// of its own lease. As a second safeguard, each [Open] takes the next number of a
// counter in the database, and every Write checks in its transaction that the number
// is still the last: an owner that lost its lock to another, on a file system without
// locks for instance, fails with [journal.ErrOwned] and writes nothing. A database in
// memory can have one owner for each *sql.DB.
//
// # Layout, version 1
//
//	CREATE TABLE optimist_journal (
//		seq  INTEGER PRIMARY KEY, -- above 2^63 as its two's complement
//		data BLOB NOT NULL,
//		sum  INTEGER NOT NULL     -- CRC-32C of seq (8 bytes, little-endian) and data
//	)
//	CREATE TABLE optimist_journal_owner (
//		id      INTEGER PRIMARY KEY CHECK (id = 1),
//		version INTEGER NOT NULL,
//		opened  INTEGER NOT NULL  -- the counter
//	)
//
// Settled records are deleted; their outcomes are not kept.
package sqlitejournal
