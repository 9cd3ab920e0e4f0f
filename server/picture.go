package server

import (
	"context"
	"maps"
	"slices"
)

// mostContains is the greatest number of keys in View.Contains.
const mostContains = 50

// mostViewers is the greatest number of viewers in one statement: databases bound the
// parameters of a statement.
const mostViewers = 10_000

// picture is one moment of some entities, for some viewers.
type picture struct {
	truths   Truths
	position string
	entities map[string]Entity
	shared   map[string]any
	own      map[Own]any
	contains map[Own][]string
}

// look reads the entities' rows and shared parts at the moment once, and the own parts of
// all viewers together. The viewer "" has no own part.
func look(ctx context.Context, truths Truths, m Moment, ids, viewers []string) (*picture, error) {
	rows, err := m.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	p := &picture{truths: truths, position: m.Position().String(), entities: make(map[string]Entity, len(rows)),
		own: make(map[Own]any), contains: make(map[Own][]string)}
	for _, row := range rows {
		p.entities[row.ID] = row
	}
	if p.shared, err = truths.shared(ctx, m, ids); err != nil {
		return nil, err
	}
	viewers = slices.DeleteFunc(slices.Clone(viewers), func(viewer string) bool { return viewer == "" })
	if len(viewers) == 0 {
		return p, nil
	}
	for viewers := range slices.Chunk(viewers, mostViewers) {
		own, err := truths.own(ctx, m, ids, viewers)
		if err != nil {
			return nil, err
		}
		contains, err := m.Contains(ctx, ids, viewers, mostContains)
		if err != nil {
			return nil, err
		}
		maps.Copy(p.own, own)
		maps.Copy(p.contains, contains)
	}
	return p, nil
}

// view is the truth of the entity as the viewer sees it.
func (p *picture) view(id, viewer string) View {
	row := p.entities[id]
	v := View{ID: id, Version: row.Version, ChangedAt: row.ChangedAt, Position: p.position}
	mine := Own{Entity: id, Viewer: viewer}
	v.Contains = p.contains[mine]
	if shared, ok := p.shared[id]; ok {
		v.State = p.truths.view(shared, p.own[mine])
	}
	return v
}

// marked returns, by entity, the viewers who have an own part. All other viewers see the
// same view.
func (p *picture) marked() map[string][]string {
	by := make(map[string][]string)
	for mine, keys := range p.contains {
		if len(keys) > 0 {
			by[mine.Entity] = append(by[mine.Entity], mine.Viewer)
		}
	}
	for mine := range p.own {
		if len(p.contains[mine]) == 0 {
			by[mine.Entity] = append(by[mine.Entity], mine.Viewer)
		}
	}
	return by
}

// Views returns the truths of the entities as the viewer sees them at the moment, in the
// order of ids. The viewer "" stands for a visitor who is not signed in. An entity that
// never existed has version 0.
func (k *Kit) Views(ctx context.Context, m Moment, viewer string, ids ...string) ([]View, error) {
	p, err := look(ctx, k.options.Truth, m, distinct(ids), []string{viewer})
	if err != nil {
		return nil, err
	}
	views := make([]View, len(ids))
	for i, id := range ids {
		views[i] = p.view(id, viewer)
	}
	return views, nil
}
