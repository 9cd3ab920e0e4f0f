// Package load runs many clients against a server over real HTTP, on a bad network,
// and says afterwards whether anybody was lied to.
//
// Every client is the whole of package client: what a page runs, without the page.
// It likes, saves and comments on the newest posts, and now and then writes a post and
// takes it back. When all is settled things are counted that must be 0:
//
//   - divergence: posts that a client sees otherwise than the server holds them, or sees
//     and the server does not, or the other way round,
//   - duplicated effects: changes in the version of a post beyond one for each
//     operation on it that the server says had an effect. A post that nobody wrote is
//     one: so what was written is there once,
//   - lost effects: the opposite. A post that was written and is not there is one,
//   - unknown keys: operations that left, and that no client made.
//
// With Config.Kills the clients live in processes of their own, each client with a
// journal, and processes are killed in the middle and started again. One more must be
// 0 then:
//
//   - lost operations: those that were durable, had not ended when their process was
//     killed, and were not there when it was started again.
//
// With Config.Troubles the servers have them too: they are killed, say, or their database
// is. Each client belongs to one server and comes back to it. With Config.Audit the
// database is asked in the end whether it has kept what was acknowledged.
//
// The servers must be used by nobody else meanwhile.
package load
