// Package idbjournal keeps a journal in the browser, in IndexedDB, so that a person's
// unsent changes survive a reload, a crash of the tab and a crash of the browser.
//
// It works in programs for GOOS=js; elsewhere [Open] fails with [ErrUnavailable], so
// that code which uses the package builds everywhere.
//
// # Guarantees
//
//   - A Write is one transaction, whole or not at all, and returns when the browser
//     has completed it with durability "strict": flushed to the disk, as far as the
//     browser keeps its word. Write hands the whole transaction with its commit to
//     the browser before it waits: as a rule, even a page that is left a moment later
//     loses none of it.
//   - Among the tabs and workers of one origin a journal has one owner, by a Web
//     Lock. In the others [Open] fails with [journal.ErrOwned] at once, and [Wait]
//     waits for their turn. The browser takes the lock back when the owner is closed,
//     navigates away or crashes, and the next page that waits gets it. A page that is
//     left and may be shown again (the browser's back/forward cache) gives the lock
//     up as well: there Write fails with [journal.ErrFailed] from then on, and the
//     page has to be loaded anew.
//   - [Journal.Delete] leaves no trace that a page could read.
//   - Without room a Write fails with [ErrQuota], which wraps [journal.ErrRefused],
//     and stores nothing.
//
// # Limits
//
//   - The browser may evict all data of an origin when the disk runs full, unless the
//     page asked for navigator.storage.persist(); and a person may clear it.
//   - Some browsers offer no storage in private windows: [Open] fails with
//     [ErrUnavailable].
//   - Web Locks exist in secure contexts only (https, or localhost).
//
// Write waits for the browser, so it must not be called from a callback of
// syscall/js, which would block the page for ever. The manager never does that.
//
// # Layout, version 1
//
//	database      the name given to Open, version 1
//	object store  "records", keys out of line
//	    key       the sequence number, as 16 hexadecimal digits (a number of
//	              JavaScript would not hold all of them)
//	    value     Uint8Array, the data of the live record
//	web lock      "optimist journal " + the name, exclusive
//
// A settled record is deleted, so the store holds exactly the live records.
package idbjournal

import (
	"errors"

	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

var (
	// ErrUnavailable says that there is no durable storage: the program does not run in
	// a browser, or in no secure context, or in a private window without storage.
	ErrUnavailable = errors.New("idbjournal: no durable storage here")
	// ErrBlocked says that another tab holds the database in another version, or wants
	// it deleted. Closing that tab helps.
	ErrBlocked = errors.New("idbjournal: the database is blocked by another tab")
	// ErrQuota says that the origin has used up its storage in the browser.
	ErrQuota = errorf.New("idbjournal: the browser's quota is used up: %w", journal.ErrRefused)
)
