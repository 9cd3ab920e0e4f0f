package server

// Op is one operation as the program sees it.
type Op struct {
	// Name is the name under which the operation was registered.
	Name string
	// Key is the idempotency key, User the user who acts.
	Key, User string
	// Args is the payload, of the type that the operation was registered with.
	Args any
	// Entities are the entities of the operation, in the order of [Name].
	Entities []Entity
	// Now is the time in milliseconds since the Unix epoch on the database's clock; it is
	// not before the ChangedAt of any of Entities.
	Now int64
}

// Outcome is the result of an operation that was carried out.
type Outcome struct {
	// Already says that the operation found its effect already there; see [Already].
	Already bool
	// Replayed says that an earlier request with the same key has carried out the
	// operation.
	Replayed bool
	// Version is the version of the operation's first entity after the operation.
	Version uint64
}
