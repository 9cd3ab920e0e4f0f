package optimist

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

func TestRegistry_AFullNameIsOfAStoreThatThereIs(t *testing.T) {
	r := newRegistry()
	posts := engine.NewSpace("post")
	is(t, r.addStore(posts), nil)
	for name, want := range map[string]struct {
		space *engine.Space
		id    string
	}{
		"post:42":  {posts, "42"},
		"post:4:2": {posts, "4:2"},
		"post:":    {posts, ""},
		"other:42": {r.loose, "other:42"},
		"42":       {r.loose, "42"},
		":42":      {r.loose, ":42"},
	} {
		space, id := r.locate(name)
		equal(t, name+": store", space, want.space)
		equal(t, name+": id", id, want.id)
	}
}

func TestRegistry_AStoreThatCannotWorkIsKept(t *testing.T) {
	r := newRegistry()
	is(t, r.addStore(engine.NewSpace("post")), nil)
	for _, name := range []string{"", "a:b", "post"} {
		is(t, r.addStore(engine.NewSpace(name)), ErrInvalid)
	}
	equal(t, "kept", len(r.invalid), 3)
}
