//go:build race

package optimist

// raceDetector says that tests are slow and need more memory.
const raceDetector = true
