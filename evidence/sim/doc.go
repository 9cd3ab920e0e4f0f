// Package sim simulates whole systems: several clients, each with its manager and its
// journal, a network that delays, drops, duplicates and reorders, and a server that
// outlives them all. Everything happens in virtual time, and all faults are drawn from one
// seed.
//
// A Script has the actions of people and the faults; a World plays the script and watches.
// The promises are checked in three places: at every event that a client shows
// (watch_test.go), when all is quiet at the end (verdict_test.go), and over the history of
// the server's effects, by a linearizability checker (history_test.go).
//
// The server and the checks know nothing of the library's engine.
package sim
