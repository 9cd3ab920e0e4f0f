package engine

// Every calls yield for each unsettled operation until it returns false: by the entities in the
// order in which they became busy, a group once.
func (e *Engine) Every(yield func(*Op) bool) {
	for ent := range e.Busy {
		for p := ent.first; p != nil; p = p.next {
			if p.index == 0 && !yield(p.op) {
				return
			}
		}
	}
}

// Find is the unsettled operation with an id, or nil. It is a search: an index would have to
// be kept with every tap.
func (e *Engine) Find(id string) *Op {
	for o := range e.Every {
		if o.is(e, id) {
			return o
		}
	}
	return nil
}
