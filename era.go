package optimist

import (
	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// NewEra tells that the server has begun a new history: it was restored from a backup, so
// that its versions start again and it may have lost operations that it had confirmed. Eras
// are numbers of the server's, at least 1, and greater is newer. Truth that names a greater
// [Truth.Era] than the one held tells the same. A journal keeps the era.
//
// In one step an event of kind [EraBegan] is told, the versions held are forgotten, and
// acknowledged operations are sent again, with their keys. Values stay until truth of the new
// era comes; every store with StoreOptions.Read reads all entities of which it holds
// something. When a view then changes, the Changed event has [ErrNewEra] as its Err. From then
// on, truth of a smaller era, or read before, is stale. The answer to an attempt that left
// before is an unknown outcome, unless its truth names the new era.
//
// An era that is not greater than the one held changes nothing.
func (m *Manager) NewEra(era uint64) error {
	if era == 0 {
		return errorf.New("%w: an era is at least 1", ErrInvalid)
	}
	return m.do(engine.NewEra{Era: era})
}
