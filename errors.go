package optimist

import "errors"

// Errors of journals. Implementations wrap them with what, where and what to do.
var (
	// ErrJournalOwned: another owner has the journal open.
	ErrJournalOwned = errors.New("optimist: journal is owned by another process")
	// ErrJournalCorrupt: the journal holds damage that a crash cannot explain.
	ErrJournalCorrupt = errors.New("optimist: journal is corrupt")
	// ErrJournalTooLarge: a record is larger than MaxJournalData.
	ErrJournalTooLarge = errors.New("optimist: journal record too large")
	// ErrJournalRefused: this write was not possible (disk full, database busy).
	// Nothing of it was kept, the journal is as it was before, and a later Write
	// may succeed.
	ErrJournalRefused = errors.New("optimist: journal refused the write and kept nothing of it")
	// ErrJournalFailed: the medium reported an error after which the journal cannot
	// tell what is on disk; it takes nothing more until it is opened again.
	ErrJournalFailed = errors.New("optimist: journal stopped after an input or output error")
	// ErrJournalClosed: the journal was closed.
	ErrJournalClosed = errors.New("optimist: journal is closed")
)
