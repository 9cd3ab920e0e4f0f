// Package filejournal keeps a journal in a file of its own: an append-only log with
// the standard library alone, for programs on a desktop, a phone or a server.
//
// # Guarantees
//
//   - A Write that returned nil survives kill -9 and the loss of power (with
//     SyncRelaxed: kill -9 only), whole and in order.
//   - A Write that was cut off by a crash is there whole or not at all.
//   - Damage is never ignored. If any byte of a closed log is changed,
//     [Journal.Load] returns every record, or the readable records with an error
//     that wraps [journal.ErrCorrupt].
//   - The log stops at the first failed sync. A sync is never tried again, because
//     after a failure the system may say yes without having written.
//   - The file stays below the larger of [Options].CompactAt and twice the live
//     records, plus one group of writes.
//   - No goroutine and no timer runs between calls. Writers that overlap share one
//     sync, which runs on one of them.
//
// # Limits
//
//   - If the last write before a crash is damaged afterwards, that looks like a
//     write cut off by the crash, and is cut.
//   - With SyncRelaxed a loss of power may lose the latest writes, or leave holes
//     that Load reports as damage. [Repair] keeps the readable records.
//   - The data of settled records stays in the file until the next compaction.
//     [Journal.Compact] removes it at once, after a log-out for instance.
//   - A Write during which the log is compacted takes as long as copying the live
//     records. It is acknowledged to the other writers of its group before.
//   - The owner's lock is the operating system's (flock or the like): on Plan 9 and
//     WASI it does not see other processes, in a browser [Open] fails with an error
//     that wraps [errors.ErrUnsupported]. Windows has no call that syncs a folder;
//     there a rename is as durable as the file system makes it.
//
// # Layout on disk, version 1
//
// The folder given to [Open] holds:
//
//	journal.log        the log
//	journal.lock       the owner's lock; contains its process id, for people
//	journal.new        a log being written, renamed to journal.log when it is synced
//	journal.damaged-N  a log that Repair has set aside
//
// The log is a header and then frames. Numbers are little-endian; uvarint is the
// encoding of encoding/binary; CRC is CRC-32 with the Castagnoli polynomial.
//
//	header:
//	    8 bytes  "optimist"
//	    2        version, 1
//	    2        zero
//	    4        salt, random for every file
//	    4        CRC of the 16 bytes above
//
//	frame:
//	    4 bytes  the salt again, so that frames can be found without the header
//	    4        length of the body in bytes
//	    4        CRC of salt, offset of the frame in the file (8 bytes), length, body
//	    body     records, back to back
//
//	record:
//	    uvarint  sequence number
//	    uvarint  2 * size of the data in bytes, plus 1 if settled
//	    data
//
// A frame is one group of writes, which one sync makes durable: at any moment only
// the last frame of the file can be unsynced. A frame without records is a closing
// mark: everything before it was synced. Hence the rule of the reader: a frame that
// does not check out is a cut-off write if no frame after it checks out, and damage
// if one does.
//
// The salt and the offset in the CRC keep other data from being taken for a frame of
// this file: blocks of deleted files, or a log inside the data of a record.
package filejournal
