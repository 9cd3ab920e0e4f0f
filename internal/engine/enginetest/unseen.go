package enginetest

import "github.com/optimist-go/optimist/internal/engine"

// news is that an operation leaves and that no view of the entity shows it.
type news struct {
	op     *engine.Op
	entity string
}

// tellUnseen: law 47. It is told once for each entity.
func (t *Twin) tellUnseen(o *op) {
	for i := range o.places {
		p := &o.places[i]
		if _, presence := t.view(p.ent); presence == engine.NotLoaded && p.kind != engine.Create && !o.typ.Closure && !p.ent.unseen {
			p.ent.unseen = true
			t.unseen = append(t.unseen, news{o.real, p.ent.id})
		}
	}
}
