package optimist

import (
	"strings"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// registry knows the stores and the types of operations that the program has registered,
// and finds entities by their full names. The Manager's lock guards it.
type registry struct {
	loose   *engine.Space            // entities of no store
	stores  map[string]*engine.Space // by name
	types   map[string]*opType       // by name
	invalid []error                  // definitions that cannot work
	unnamed string                   // the name of no entity that was told of last
}

func newRegistry() registry {
	return registry{loose: engine.NewSpace(""), stores: make(map[string]*engine.Space), types: make(map[string]*opType)}
}

// addStore makes a store known, or says why it cannot work.
func (r *registry) addStore(space *engine.Space) (err error) {
	switch name := space.Name; {
	case name == "" || strings.Contains(name, ":"):
		err = errorf.New("%w: store name %q must not be empty or contain a colon", ErrInvalid, name)
	case r.stores[name] != nil:
		err = errorf.New("%w: there is a store %q already", ErrInvalid, name)
	default:
		r.stores[name] = space
		return nil
	}
	r.invalid = append(r.invalid, err)
	return err
}

// spaces are those of all stores.
func (r *registry) spaces() (all []*engine.Space) {
	for _, s := range r.stores {
		all = append(all, s)
	}
	return all
}

// locate splits an entity's full name: "post:42" is entity "42" of the store "post" if
// there is such a store, and an entity of no store otherwise.
func (r *registry) locate(entity string) (*engine.Space, string) {
	if name, id, ok := strings.Cut(entity, ":"); ok {
		if s := r.stores[name]; s != nil {
			return s, id
		}
	}
	return r.loose, entity
}

// find is the entity with a full name, or nil when nothing is held of it.
func (r *registry) find(entity string) *engine.Entity {
	space, id := r.locate(entity)
	return space.Find(id)
}

// misnamed is why a full name names no entity, or nil. loose says that there may be entities
// of no store: those of closures are known only while something is held of them.
func (r *registry) misnamed(entity string, loose bool) error {
	space, id := r.locate(entity)
	switch {
	case entity == "":
		return errorf.New("%w: the entity's name is empty", ErrInvalid)
	case space != r.loose && id == "":
		return errorf.New("%w: the name %q has no id after the colon", ErrInvalid, entity)
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
		return errorf.New("%w: %q is an id; the entity's full name is %q", ErrInvalid, entity, full)
	case !loose:
		return errorf.New("%w: %q is of no store; a full name is that of the store, a colon and the id", ErrInvalid, entity)
	}
	return nil
}
