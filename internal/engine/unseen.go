package engine

// tellUnseen tells of an operation that leaves although nobody has said anything of an entity
// of it, so that no view shows it: once for each entity, as long as anything is held of the
// entity. Of an entity that the operation makes nothing needs to be said.
func (e *Engine) tellUnseen(o *Op) {
	if o.Type.Closure {
		return // its state is elsewhere
	}
	o.parts(func(p *part) {
		ent := p.entity
		if _, presence := ent.View(); presence != NotLoaded || ent.unseen || p.kind() == Create {
			return
		}
		ent.unseen = true
		e.emit(Effect{Kind: Misused, Op: o, Entity: ent})
	})
}
