package engine

// Piece is truth that says only what has changed since an earlier version of it.
type Piece struct {
	Space  *Space
	Entity string
	// Follows is the version on which the change was made.
	Follows uint64
	Truth   Truth // of its own Version; without presence and value
	Change  func(value any) any
}

// Page is truth of several entities, which enters in one step.
type Page struct{ Truths []EntityTruth }

// page takes every truth of a page, and then folds once.
func (e *Engine) page(in *Page) {
	for _, t := range in.Truths {
		e.meet(t.Truth.Era)
	}
	for _, t := range in.Truths {
		if t.Space.names != nil {
			e.learnPushed(&t)
		}
		ent := e.entity(t.Space, t.Entity)
		e.touch(ent)
		e.adopt(ent, t.Truth)
	}
	e.rebase(nil)
}

// piece makes the change on the truth held, if that is the one which it follows. A piece
// that follows another one is refused with ErrGap; nothing changes then, and the entity is
// read.
func (e *Engine) piece(in *Piece) error {
	e.meet(in.Truth.Era)
	ent, t := e.entity(in.Space, in.Entity), in.Truth
	e.touch(ent)
	switch {
	case e.isOutlived(t):
		e.emit(Effect{Kind: TruthStale, Entity: ent})
		return nil
	case t.Version <= ent.version || t.Version < ent.floor:
		ent.latest = max(ent.latest, t.At)
		e.emit(Effect{Kind: TruthStale, Entity: ent})
		t.Version = min(t.Version, ent.version) // the truth held is at least as new: what it contains is held
	case in.Follows != ent.version || ent.version == 0 || ent.derived || ent.presence != Present:
		if ent.space.Readable {
			e.emit(Effect{Kind: Reread, Entity: ent})
		}
		return ErrGap
	default:
		value, err := in.change(ent.truth)
		if err != nil {
			return err
		}
		t.Presence, t.Value = Present, value
	}
	e.adopt(ent, t)
	e.rebase(nil)
	return nil
}

// change is the program's function; its panic is an error.
func (in *Piece) change(value any) (after any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{r}
		}
	}()
	return in.Change(value), nil
}
