// Package sim simulates whole systems: several clients, each with its manager and its
// journal, a network that delays, drops, duplicates and reorders, and a server that
// outlives them all. Everything happens in virtual time, and everything that goes wrong
// is drawn from one seed.
//
// A Script says what people do and what breaks, a World plays it and watches. What
// must hold is checked in three places: at every event that a client shows (watch_test.go),
// when all is quiet at the end (verdict_test.go), and over the history of the server's
// effects, by a linearizability checker (history_test.go).
//
// The server and the checks know nothing of the library's engine.
package sim
