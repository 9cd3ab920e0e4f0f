package optimist

import (
	"fmt"

	"github.com/optimist-go/optimist/internal/engine"
)

// Stored says how operations of a type are written to the journal.
type Stored[A any] struct {
	// Version is the schema version that Encode writes.
	Version int
	Encode  func(A) ([]byte, error)
	// Decode reads what any version wrote, and casts old ones up.
	Decode func(version int, data []byte) (A, error)
}

// codec is a Stored without its type.
type codec struct {
	version int
	encode  func(args any) ([]byte, error)
	decode  func(version int, data []byte) (any, error)
}

func codecOf[A any](s Stored[A]) codec {
	if s.Encode == nil || s.Decode == nil {
		return codec{}
	}
	return codec{
		version: s.Version,
		encode:  func(args any) ([]byte, error) { return s.Encode(*args.(*A)) },
		decode: func(version int, data []byte) (any, error) {
			a, err := s.Decode(version, data)
			return &a, err
		},
	}
}

func (t *opType) setCodec(c codec) { t.codec = c }

// check reports arguments that cannot be written.
func (c codec) check(args any) (err error) {
	if c.encode == nil {
		return nil
	}
	if p := contain("encode", func() { _, err = c.encode(args) }); p != nil {
		err = p
	}
	if err != nil {
		return fmt.Errorf("%w: arguments cannot be stored: %w", ErrInvalid, err)
	}
	return nil
}

type journalWriter struct{}

func (j *journalWriter) flushLocked()            {}
func (j *journalWriter) putLocked(*engine.Op)    {}
func (j *journalWriter) settleLocked(*engine.Op) {}
func (j *journalWriter) mark(*Handle, int) error { return nil }
func (j *journalWriter) refusing() error         { return nil }
func (m *Manager) openJournal() error            { return nil }
func (m *Manager) closeJournal() error           { return nil }
func (m *Manager) reportJournal(err error)       { m.report(Event{Kind: JournalFailed, Err: err}) }
