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

// In reports whether one of the operation's entities is of a space.
func (o *Op) In(s *Space) (in bool) {
	o.parts(func(p *part) { in = in || p.entity.space == s })
	return in
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
