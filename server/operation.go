package server

// Op is one operation as the program sees it.
type Op struct {
	// Name is that under which the operation was registered.
	Name string
	// Key is the idempotency key, User who acts.
	Key, User string
	// Args is the payload, of the type that the operation was registered with.
	Args any
	// Entities are those that the operation named, the first one first.
	Entities []Entity
	// Now is the time in milliseconds since the Unix epoch on the database's clock; it is
	// not before the ChangedAt of any of Entities.
	Now int64
}

// Outcome says what became of an operation.
type Outcome struct {
	// Already says that all was as wanted when the operation was carried out.
	Already bool
	// Replayed says that it was carried out by an earlier request with the same key.
	Replayed bool
	// Version is that of the operation's first entity when it had been carried out.
	Version uint64
}
