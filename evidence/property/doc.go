// Package property holds what is true of every history, as tests that shrink what
// they find: pgregory.net/rapid draws a whole script first, the script is played, and
// what came out is judged afterwards.
package property
