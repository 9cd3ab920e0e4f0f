package engagement

// MarkKind is what a user can put on a post: a like or a save.
type MarkKind string

// The kinds of marks.
const (
	Like MarkKind = "like"
	Save MarkKind = "save"
)

// Mark is one user's like or save of one post. It is kept when it is taken off,
// because the stamp must go on refusing older operations that arrive late.
type Mark struct {
	On bool

	// Stamp is that of the last applied operation; zero when there was none. It was
	// not ahead of the server's clock then.
	Stamp Stamp
}
