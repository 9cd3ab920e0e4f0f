// Package load runs many clients against a server over real HTTP, on a bad network,
// and says afterwards whether anybody was lied to.
//
// Every client is the whole of package client: what a page runs, without the page.
// It taps, and when all is settled things are counted that must be 0:
//
//   - divergence: posts that a client sees otherwise than the server holds them,
//   - duplicated effects: changes in the version of a post beyond one for each
//     operation on it that the server says had an effect,
//   - lost effects: the opposite,
//   - unknown keys: operations that left, and that no client made.
//
// With Config.Kills the clients live in processes of their own, each client with a
// journal, and processes are killed in the middle and started again. One more must be
// 0 then:
//
//   - lost operations: those that were durable, had not ended when their process was
//     killed, and were not there when it was started again.
//
// The server must be used by nobody else meanwhile.
package load
