package client

import (
	"errors"
	"strconv"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/leanjson"
)

// stored encodes arguments for a journal as JSON. A program that is not for a page
// uses jsonstored.Of, which does the same and can read older versions; see package
// leanjson.
func stored[A any]() optimist.Stored[A] {
	const version = 1
	return optimist.Stored[A]{
		Version: version,
		Encode:  func(a A) ([]byte, error) { return leanjson.Marshal(a) },
		Decode: func(from int, data []byte) (a A, err error) {
			if from != version {
				return a, errors.New("stored arguments of version " + strconv.Itoa(from) + "; this program knows version " + strconv.Itoa(version))
			}
			err = leanjson.Unmarshal(data, &a)
			return a, err
		},
	}
}
