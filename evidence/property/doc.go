// Package property states properties of every history as tests with shrinking:
// pgregory.net/rapid first draws a whole script, the script is played, and its result
// is judged afterwards.
package property
