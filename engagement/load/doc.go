// Package load runs many clients against a server over real HTTP, on a bad network,
// and says afterwards whether anybody was lied to.
//
// Every client is the whole of package client: what a page runs, without the page.
// It taps, and when all is settled three things are counted that must be 0:
//
//   - divergence: posts that a client sees otherwise than the server holds them,
//   - duplicated effects: changes in the versions of posts beyond one for each
//     operation that the server says had an effect,
//   - lost effects: the opposite.
//
// With Config.Kills the clients live in processes of their own, each client with a
// journal, and processes are killed in the middle and started again.
//
// The server must be used by nobody else meanwhile.
package load
