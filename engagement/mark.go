package engagement

// MarkKind is the kind of a user's mark on a post: a like or a save.
type MarkKind string

// The kinds of marks.
const (
	Like MarkKind = "like"
	Save MarkKind = "save"
)

// Mark is one user's like or save of one post. The record stays when the mark is
// removed, because its stamp must still refuse older operations that arrive
// late.
type Mark struct {
	On bool

	// Stamp is the stamp of the last applied operation, and was not ahead of the
	// server's clock then; zero when there was none.
	Stamp Stamp
}
