package server

import "context"

// Truth reads the values of entities. S is the part of a value that all viewers share,
// and O a viewer's own.
//
// In its JSON the truth of an entity is {"id", "version", "changedAt", "contains", "state",
// "position"}: state is the value, null when the entity does not exist; contains has the
// keys of the viewer's latest operations on it; position is a [Cursor], and the truth is at
// least as new as this place in the feed.
type Truth[S, O any] struct {
	// Read returns the shared parts of the entities that exist.
	Read func(ctx context.Context, q Query, ids []string) (map[string]S, error)
	// Own returns the own parts of the viewers who have one; nil: no viewer has an own part.
	Own func(ctx context.Context, q Query, ids, viewers []string) (map[Own]O, error)
	// View returns the state to be encoded; own is zero for a viewer without own part. View is
	// pure. nil: the state is the shared part.
	View func(shared S, own O) any
}

// Truths is a [Truth] of any types.
type Truths interface {
	// shared returns the shared parts of the entities that exist.
	shared(ctx context.Context, q Query, ids []string) (map[string]any, error)
	// own returns the own parts of the viewers who have one.
	own(ctx context.Context, q Query, ids, viewers []string) (map[Own]any, error)
	// view returns the state; own is nil for a viewer without own part.
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
	// State is the value; nil when the entity does not exist.
	State any `json:"state"`
	// Position is a [Cursor]: the truth is at least as new as this place in the feed.
	Position string `json:"position"`
}
