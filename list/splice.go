package list

import "slices"

// Splice is the change of a list by one step: of its rows, or of its total, sums and state alone.
type Splice[T any] struct {
	// Step never descends, and is one number for all lists of a manager that the step changed. A
	// splice of the state alone has the number of the one before.
	Step uint64
	// Reset: the rows are Rows, and the edits between are not told: of the first splice of a
	// watcher, and of one that fell behind.
	Reset bool
	Rows  Rows[T] // after the step, if Reset
	Edits []Edit[T]
	Total int     // entities in the list, also those beyond Query.Limit
	Sums  []int64 // of Query.Sums
	State State   // of a list of pages
}

// EditKind is the kind of an [Edit].
type EditKind uint8

const (
	// Insert puts Row before the row At, or at the end.
	Insert EditKind = iota + 1
	// Remove takes the row At out.
	Remove
	// Move takes the row From out and then inserts Row at At.
	Move
	// Update puts Row, which has another value or is leaving, in the place At.
	Update
	// Mark puts Row in the place At, whose value is the same: other parts of its view, such as
	// Pending, or the view of an entity that is joined to it have changed.
	Mark
)

func (k EditKind) String() string {
	return [...]string{"none", "insert", "remove", "move", "update", "mark"}[min(k, Mark)]
}

// Edit is one change of the rows. Edits of a splice are made one after the other.
type Edit[T any] struct {
	Kind EditKind
	At   int    // the row's place, in the rows as the edits before have left them
	From int    // of Move: the place before
	Row  Row[T] // zero for Remove
}

// Apply makes the splice's changes in rows, which it may write to, and returns the result.
func (s Splice[T]) Apply(rows []Row[T]) []Row[T] {
	if s.Reset {
		rows = rows[:0]
		for _, row := range s.Rows.All() {
			rows = append(rows, row)
		}
		return rows
	}
	for _, e := range s.Edits {
		switch e.Kind {
		case Insert:
			rows = slices.Insert(rows, e.At, e.Row)
		case Remove:
			rows = slices.Delete(rows, e.At, e.At+1)
		case Move:
			rows = slices.Insert(slices.Delete(rows, e.From, e.From+1), e.At, e.Row)
		case Update, Mark:
			rows[e.At] = e.Row
		}
	}
	return rows
}
