// Package load runs many clients against a server over real HTTP, on a bad network, and
// checks afterwards whether a client was told something false.
//
// Every client is the whole of package client, as a page runs it. It likes, saves and
// comments on the newest posts, and now and then writes a post and takes it back. When
// all operations are settled these counts must be 0:
//
//   - divergence: posts on which a client and the server differ, in content or existence,
//   - duplicated effects: changes in the version of a post beyond one for each operation
//     with a confirmed effect on it. A post that no client wrote counts too, so written
//     posts are there once,
//   - lost effects: missing changes. A written post that does not exist counts too,
//   - unknown keys: sent operations that no client made.
//
// With [Config].Kills the clients live in processes of their own, each client with a
// journal, and processes are killed in the middle and started again. One more count must
// be 0 then:
//
//   - lost operations: durable operations that had not ended when their process was
//     killed, and were not restored when it was started again.
//
// With [Config].Troubles the servers fail too: for instance they or their database are
// killed. Each client belongs to one server and reconnects to it. With [Config].Audit the
// database is checked at the end for all acknowledged operations.
//
// No other client may use the servers meanwhile.
package load
