package engine

// Told and wanted: a server that accepts an operation may hold something else than was
// predicted. It may normalise the arguments, or another write may have followed. Nothing is
// sent again on account of that; the operation's result says it.

// wants reports whether a value already is as the part would make it. known is false when
// nobody can say: Apply refuses the value, or steps towards a state instead of making sure
// of one.
func (p *part) wants(value any, presence Presence) (so, known bool) {
	space := p.entity.space
	once, there, err := p.make(value, presence)
	switch {
	case err != nil && presence == Absent && p.kind() == Change:
		return false, true
	case err != nil:
		return false, false
	case there == presence && space.same(once, value):
		return true, true
	}
	twice, stays, err := p.make(once, there)
	return false, err == nil && stays == there && space.same(twice, once)
}

// fulfilled reports whether a value fulfils the operation's wish, as its type says, or as
// far as Apply tells. known is false when nobody can say.
func (p *part) fulfilled(value any, presence Presence) (so, known bool) {
	if fn := p.op.Type.Fulfilled; fn != nil && p.index == 0 && presence == Present {
		return ask(fn, value, p.op.Args), true
	}
	return p.wants(value, presence)
}

func ask(fn func(value, args any) bool, value, args any) (so bool) {
	defer func() {
		if recover() != nil {
			so = true // nobody can say
		}
	}()
	return fn(value, args)
}

// compare notes whether the truth held, which contains the operation, differs from the
// value it wanted. Nobody can say so where a later operation of ours has written over it.
func (e *Engine) compare(p *part) {
	o, ent := p.op, p.entity
	so, known := p.wants(ent.truth, ent.presence)
	differs := known && !so
	so, known = p.fulfilled(ent.truth, ent.presence)
	missing := o.Type.Fulfilled != nil && p.index == 0 && known && !so
	if !differs && !missing {
		return
	}
	for q := p.next; q != nil; q = q.next {
		if q.op.left && (o.Slot == "" || q.op.sharesSlot(o) || q.op.standsAlone()) {
			return
		}
	}
	if o.more().differs = true; missing {
		e.gaveWay(o)
	}
}

// gaveWay notes that the server accepted an operation and holds something else.
func (e *Engine) gaveWay(o *Op) {
	x := o.more()
	x.differs, x.conflict = true, TookTheirs
	e.emit(Effect{Kind: OpConflicted, Op: o, Resolution: TookTheirs})
}

// Differs reports whether the server accepted the operation and held something else than
// it wanted when it ended.
func (o *Op) Differs() bool { return o.ext != nil && o.ext.differs }
