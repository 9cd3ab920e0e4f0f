package client

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// newID returns a UUID of version 7, so that a retried creation cannot make a
// second comment. Its random half comes from a generator that the system seeds.
func newID(now time.Time) string {
	first := uint64(now.UnixMilli())<<16 | 7<<12 | rand.Uint64()&0xfff
	last := rand.Uint64()>>2 | 2<<62
	// An extra highest bit keeps the leading zeros; its digit is cut off.
	a := strconv.FormatUint(first>>32|1<<32, 16)[1:]
	b := strconv.FormatUint(first&0xffffffff|1<<32, 16)[1:]
	c := strconv.FormatUint(last, 16) // begins with 8, 9, a or b: never with a zero
	return a + "-" + b[:4] + "-" + b[4:] + "-" + c[:4] + "-" + c[4:]
}
