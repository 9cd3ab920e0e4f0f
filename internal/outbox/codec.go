package outbox

import (
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Codec says how the arguments of a type of operations become bytes, and bytes arguments. Without
// functions they do not.
type Codec struct {
	Version int // of the bytes that Encode writes
	Encode  func(args any) ([]byte, error)
	Decode  func(version int, data []byte) (args any, err error)
	Wait    bool // a call waits until its operation is durable
}

// Check says why a codec cannot work, or returns nil.
func (c *Codec) Check() error {
	switch {
	case (c.Encode == nil) != (c.Decode == nil):
		return errorf.New("%w: Stored needs both Encode and Decode", engine.ErrInvalid)
	case c.Version < 0 || c.Version > maxSchema:
		return errorf.New("%w: Stored.Version must be 0 to %d, not %d", engine.ErrInvalid, maxSchema, c.Version)
	}
	return nil
}
