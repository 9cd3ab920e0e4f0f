package engine

// Position is the place in the server's feed of the change that made the truth held. 0: it
// was not told, or the truth is a prediction.
func (ent *Entity) Position() uint64 { return ent.space.places[ent] }

// place notes where the truth held is in the server's feed. 0: nobody has said.
func (ent *Entity) place(position uint64) {
	s := ent.space
	switch {
	case position == 0:
		delete(s.places, ent)
	case s.places == nil:
		s.places = map[*Entity]uint64{ent: position}
	default:
		s.places[ent] = position
	}
}
