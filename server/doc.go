// Package server is the server's half of optimistic updates: it carries out each
// operation exactly once, counts a version for each entity, and tells all clients what
// changed. A program brings its own tables and SQL, and mounts the handlers on its mux.
//
// # Guarantees
//
//   - An operation's idempotency key, its effect, the versions of the entities that it
//     changed and the entries of the feed are written in one transaction. A request that
//     is repeated, raced through several processes, or cut off by a crash has one effect.
//   - A refused operation leaves nothing, and its key is free again.
//   - The same key with another payload is refused, and so is a key that is older than
//     the time for which keys are kept.
//   - Versions of one entity grow by one with each change, and ascend in the feed.
//   - Reading the feed after a position misses no entry and reads none twice, whichever
//     process reads it, also when transactions commit out of order.
//   - Truth that answers an operation is read after the operation has committed: it may
//     show a later version, and never shows an earlier one.
//   - One process with a SQLite file and many processes on one PostgreSQL behave alike.
//
// # What must not be assumed
//
//   - A function of the program may run more than once. Only its last run counts, so it
//     must have no effect outside of the transaction that it is given.
//   - An operation may change only rows that belong to entities that it named: nothing
//     but the entity's lock keeps two operations apart (READ COMMITTED).
//   - Times are milliseconds since the Unix epoch on the database's clock. The time of an
//     entity's change never goes back; times of different entities may.
//   - Positions are not consecutive, and positions of different eras cannot be compared.
package server
