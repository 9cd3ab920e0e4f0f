// Package registry knows the stores and the types of operations that a program has registered,
// and finds entities by their full names.
//
// A [Registry] has no lock: its caller holds one.
package registry

import (
	"errors"
	"strings"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// Registry is of one program. New makes one.
type Registry struct {
	loose   *engine.Space            // entities of no store
	stores  map[string]*engine.Space // by name
	types   map[string]*engine.Type  // by name
	invalid []error                  // definitions that cannot work
	told    string                   // the name of no entity that was told of last
}

// New returns an empty registry.
func New() Registry {
	return Registry{loose: engine.NewSpace(""), stores: make(map[string]*engine.Space), types: make(map[string]*engine.Type)}
}

// AddStore makes a store known, or says why it cannot work.
func (r *Registry) AddStore(space *engine.Space) (err error) {
	switch name := space.Name; {
	case name == "" || strings.Contains(name, ":"):
		err = errorf.New("%w: store name %q must not be empty or contain a colon", engine.ErrInvalid, name)
	case r.stores[name] != nil:
		err = errorf.New("%w: there is a store %q already", engine.ErrInvalid, name)
	default:
		r.stores[name] = space
		return nil
	}
	r.Refuse(err)
	return err
}

// Store is the store of that name, or nil.
func (r *Registry) Store(name string) *engine.Space { return r.stores[name] }

// Stores are all stores, in no order.
func (r *Registry) Stores() (all []*engine.Space) {
	for _, s := range r.stores {
		all = append(all, s)
	}
	return all
}

// Loose are the entities of no store.
func (r *Registry) Loose() *engine.Space { return r.loose }

// AddType makes a type of operation known, unless there is one of that name.
func (r *Registry) AddType(typ *engine.Type) error {
	if r.types[typ.Name] != nil {
		return errorf.New("%w: the type is registered already", engine.ErrInvalid)
	}
	r.types[typ.Name] = typ
	return nil
}

// StoredType is the type of that name, of which operations are stored.
func (r *Registry) StoredType(name string) (*engine.Type, error) {
	t := r.types[name]
	switch {
	case t == nil:
		return nil, errorf.New("%w: no type %q is registered", engine.ErrInvalid, name)
	case !t.Stored:
		return nil, errorf.New("%w: type %q is registered without Stored", engine.ErrInvalid, name)
	}
	return t, nil
}

// Refuse notes that a definition cannot work.
func (r *Registry) Refuse(err error) { r.invalid = append(r.invalid, err) }

// Err reports the definitions that cannot work, or nil.
func (r *Registry) Err() error { return errors.Join(r.invalid...) }

// Locate splits an entity's full name: "post:42" is entity "42" of the store "post" if
// there is such a store, and an entity of no store otherwise.
func (r *Registry) Locate(entity string) (*engine.Space, string) {
	if name, id, ok := strings.Cut(entity, ":"); ok {
		if s := r.stores[name]; s != nil {
			return s, id
		}
	}
	return r.loose, entity
}

// Find is the entity with a full name, or nil when nothing is held of it.
func (r *Registry) Find(entity string) *engine.Entity {
	space, id := r.Locate(entity)
	return space.Find(id)
}

// Refs are the entities of full names, or why one of them names none.
func (r *Registry) Refs(names []string) (refs []engine.Ref, err error) {
	for _, name := range names {
		if err := r.Misnamed(name, false); err != nil {
			return nil, errorf.New("refs: %w", err)
		}
		space, id := r.Locate(name)
		refs = append(refs, engine.Ref{Space: space, Entity: id})
	}
	return refs, nil
}

// Misnamed is why a full name names no entity, or nil. loose says that there may be entities
// of no store: those of closures are known only while something is held of them.
func (r *Registry) Misnamed(entity string, loose bool) error {
	space, id := r.Locate(entity)
	switch {
	case entity == "":
		return errorf.New("%w: the entity's name is empty", engine.ErrInvalid)
	case space != r.loose && id == "":
		return errorf.New("%w: the name %q has no id after the colon", engine.ErrInvalid, entity)
	case space != r.loose, len(r.stores) == 0, space.Find(id) != nil:
		return nil
	}
	full := ""
	for name, s := range r.stores {
		if s.Find(entity) != nil && (full == "" || name+":"+entity < full) {
			full = name + ":" + entity
		}
	}
	switch {
	case full != "":
		return errorf.New("%w: %q is an id; the entity's full name is %q", engine.ErrInvalid, entity, full)
	case !loose:
		return errorf.New("%w: %q is of no store; a full name is store:id", engine.ErrInvalid, entity)
	}
	return nil
}

// MisnamedAnew is Misnamed, but nil for the name of which it was told last: nobody is told
// again and again.
func (r *Registry) MisnamedAnew(entity string, loose bool) error {
	if r.told == entity && entity != "" {
		return nil
	}
	err := r.Misnamed(entity, loose)
	if err != nil {
		r.told = entity
	}
	return err
}
