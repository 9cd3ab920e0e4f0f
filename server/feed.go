package server

// Entry of the feed says that an entity changed.
type Entry struct {
	// Partition and Position place the entry. Positions of one partition grow.
	Partition int
	Position  int64
	Entity    string
	Version   uint64
}

// Cursor is a place in the feed: all entries up to it have been read. Its text is
// "<era>.<position>", with one position for each partition.
//
// The zero Cursor is no place.
type Cursor struct {
	// Era names the history that the positions belong to; see [Kit.NewEra].
	Era int64
	// At has the position of each partition.
	At []int64
}
