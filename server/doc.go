// Package server is the server's half of optimistic updates: it carries out each
// operation exactly once, counts a version for each entity, and tells all clients of
// the changes. A program brings its own tables and SQL, and mounts the handlers on its
// mux.
//
// # Guarantees
//
//   - The idempotency key of an operation, its effect, the versions of the entities
//     that it changed and the entries of the feed are written in one transaction. A
//     request has one effect even when it is repeated, sent to several processes at the
//     same time, or cut off by a crash.
//   - A refused operation leaves nothing, and its key is free again.
//   - The same key with another payload is refused, and so is a key that is older than the time
//     for which keys are kept, if the key or its request tells its age: see [Options].
//   - Versions of one entity grow by one with each change, and ascend in the feed.
//   - Reading the feed after a position misses no entry and reads none twice, whichever
//     process reads it, also when transactions commit out of order.
//   - The truth in the answer to an operation is read after the operation has
//     committed: it may show a later version, and never shows an earlier one.
//   - One process with a SQLite file and many processes on one PostgreSQL behave alike.
//
// # Not guaranteed
//
//   - A function of the program may run more than once. Only the last run counts, so
//     the function must have no effect outside of the transaction that it is given.
//   - Only the locks of entities keep two operations apart (the isolation is READ
//     COMMITTED). An operation must not change rows that belong to entities that it has
//     not named.
//   - Times are milliseconds since the Unix epoch on the database's clock. The time of
//     an entity never decreases from one version to the next; the times of different
//     entities may be in another order than their changes.
//   - Positions are not consecutive, and positions of different eras cannot be compared.
package server
