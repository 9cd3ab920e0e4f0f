package enginetest

import "slices"

// Shrink makes bytes smaller as long as they still fail.
func Shrink(bytes []byte, fails func([]byte) bool) []byte {
	for again := true; again; {
		again = false
		for size := len(bytes) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(bytes); {
				fewer := slices.Delete(slices.Clone(bytes), at, at+size)
				if fails(fewer) {
					bytes, again = fewer, true
				} else {
					at += size
				}
			}
		}
		for i, b := range bytes {
			for _, lower := range []byte{0, b / 2, b - 1} {
				if lower >= b {
					continue
				}
				simpler := slices.Clone(bytes)
				simpler[i] = lower
				if fails(simpler) {
					bytes, again = simpler, true
					break
				}
			}
		}
	}
	return bytes
}

// Check runs a driver over the bytes. The error of a failure tells the story of the
// smallest input that fails.
func Check(bytes []byte) (story []string, err error) {
	fails := func(b []byte) bool { return Try(b, nil) != nil }
	if !fails(bytes) {
		return nil, nil
	}
	err = Try(Shrink(bytes, fails), func(line string) { story = append(story, line) })
	return story, err
}
