// Package jsonstored writes the arguments of operations to a journal as JSON. It is
// not part of package optimist because encoding/json makes a program for the browser
// a fifth larger, and such a program may have no journal.
package jsonstored

import (
	"encoding/json"
	"fmt"

	"github.com/optimist-go/optimist"
)

// Upcast turns the JSON of one schema version into the JSON of the next.
type Upcast func(data []byte) ([]byte, error)

// Cast returns an [Upcast] between two types.
func Cast[From, To any](cast func(From) (To, error)) Upcast {
	return func(data []byte) ([]byte, error) {
		var old From
		if err := json.Unmarshal(data, &old); err != nil {
			return nil, err
		}
		next, err := cast(old)
		if err != nil {
			return nil, err
		}
		return json.Marshal(next)
	}
}

// Of stores arguments of type A as JSON of a schema version, which begins at 1. The
// upcasts convert older versions step by step, the last one from version-1: Of[A](3,
// from1, from2). Records of older programs stay readable as long as the upcasts from
// their versions are given.
//
// Change the version when a field changes its name or its meaning. A new field whose
// zero value is right for old operations needs no new version.
//
// Data of a newer version, or of a version before the first upcast, cannot be
// decoded: the manager puts such operations into quarantine and reports them.
//
// Of panics when there are more upcasts than versions before this one.
func Of[A any](version int, upcasts ...Upcast) optimist.Stored[A] {
	oldest := version - len(upcasts)
	if oldest < 1 {
		panic(fmt.Sprintf("jsonstored: version %d has at most %d upcasts, not %d; versions start at 1",
			version, max(version-1, 0), len(upcasts)))
	}
	return optimist.Stored[A]{
		Version: version,
		Encode:  func(a A) ([]byte, error) { return json.Marshal(a) },
		Decode: func(from int, data []byte) (a A, err error) {
			switch {
			case from > version:
				return a, fmt.Errorf("jsonstored: %T of version %d was written by a newer program; this one knows up to %d", a, from, version)
			case from < oldest:
				return a, fmt.Errorf("jsonstored: %T of version %d is too old; this program knows from %d to %d", a, from, oldest, version)
			}
			for v := from; v < version; v++ {
				if data, err = upcasts[v-oldest](data); err != nil {
					return a, fmt.Errorf("jsonstored: %T from version %d to %d: %w", a, v, v+1, err)
				}
			}
			if err = json.Unmarshal(data, &a); err != nil {
				return a, fmt.Errorf("jsonstored: %T of version %d: %w", a, from, err)
			}
			return a, nil
		},
	}
}
