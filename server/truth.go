package server

import "context"

// Truth reads the values of entities. S is the part of a value that all viewers share,
// and O a viewer's own.
//
// In its JSON the truth of an entity is {"id", "version", "changedAt", "contains", "state",
// "position"}: state is the value, null when the entity is not there; contains has the keys
// of the viewer's latest operations on it; position is a place in the feed that the truth
// is not older than.
type Truth[S, O any] struct {
	// Read returns the shared parts of those of the entities that are there.
	Read func(ctx context.Context, q Query, ids []string) (map[string]S, error)
	// Own returns the viewers' own parts, of those who have one; nil: nobody has.
	Own func(ctx context.Context, q Query, ids, viewers []string) (map[Own]O, error)
	// View returns the state as it is encoded; own is zero for a viewer who has none.
	// nil: it is the shared part. It is pure.
	View func(shared S, own O) any
}

// Truths is any [Truth].
type Truths interface {
	// shared returns the shared parts of those of the entities that are there.
	shared(ctx context.Context, q Query, ids []string) (map[string]any, error)
	// own returns the viewers' own parts, of those who have one.
	own(ctx context.Context, q Query, ids, viewers []string) (map[Own]any, error)
	// view returns the state; own is nil for a viewer who has nothing of it.
	view(shared, own any) any
}

func (t Truth[S, O]) shared(ctx context.Context, q Query, ids []string) (map[string]any, error) {
	parts, err := t.Read(ctx, q, ids)
	return erased(parts), err
}

func (t Truth[S, O]) own(ctx context.Context, q Query, ids, viewers []string) (map[Own]any, error) {
	if t.Own == nil {
		return nil, nil
	}
	parts, err := t.Own(ctx, q, ids, viewers)
	return erased(parts), err
}

func (t Truth[S, O]) view(shared, own any) any {
	if t.View == nil {
		return shared
	}
	o, _ := own.(O)
	return t.View(shared.(S), o)
}

func erased[K comparable, V any](parts map[K]V) map[K]any {
	out := make(map[K]any, len(parts))
	for k, v := range parts {
		out[k] = v
	}
	return out
}

// View is the truth of one entity as one viewer sees it.
type View struct {
	ID        string   `json:"id"`
	Version   uint64   `json:"version"`
	ChangedAt int64    `json:"changedAt"`
	Contains  []string `json:"contains,omitempty"`
	// State is the value; nil when the entity is not there.
	State any `json:"state"`
	// Position is a place in the feed that the truth is not older than.
	Position string `json:"position"`
}
