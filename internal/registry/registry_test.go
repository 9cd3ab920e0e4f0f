package registry

import (
	"errors"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

func TestAFullNameIsOfAStoreThatThereIs(t *testing.T) {
	r := New()
	posts := engine.NewSpace("post")
	if err := r.AddStore(posts); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		space *engine.Space
		id    string
	}{
		"post:42":  {posts, "42"},
		"post:4:2": {posts, "4:2"},
		"post:":    {posts, ""},
		"other:42": {r.Loose(), "other:42"},
		"42":       {r.Loose(), "42"},
		":42":      {r.Loose(), ":42"},
	} {
		if space, id := r.Locate(name); space != want.space || id != want.id {
			t.Errorf("%s is %q of store %q", name, id, space.Name)
		}
	}
}

func TestAStoreThatCannotWorkIsNoted(t *testing.T) {
	r := New()
	r.AddStore(engine.NewSpace("post"))
	for _, name := range []string{"", "a:b", "post"} {
		if err := r.AddStore(engine.NewSpace(name)); !errors.Is(err, engine.ErrInvalid) || !errors.Is(r.Err(), err) {
			t.Errorf("store %q: %v, noted %v", name, err, r.Err())
		}
	}
	if n := len(r.Stores()); n != 1 {
		t.Errorf("%d stores", n)
	}
}

func TestAMisnamedEntityIsToldOnce(t *testing.T) {
	r := New()
	r.AddStore(engine.NewSpace("post"))
	if err := r.MisnamedAnew("42", false); !errors.Is(err, engine.ErrInvalid) {
		t.Error(err)
	}
	if err := r.MisnamedAnew("42", false); err != nil {
		t.Errorf("told again: %v", err)
	}
	if err := r.MisnamedAnew("43", false); err == nil {
		t.Error("another name was not told")
	}
	if err := r.Misnamed("42", true); err != nil {
		t.Errorf("closures have entities of no store: %v", err)
	}
}

func TestOnlyATypeWithStoredIsFoundAgain(t *testing.T) {
	r := New()
	kept := &engine.Type{Name: "kept", Stored: true}
	r.AddType(kept)
	r.AddType(&engine.Type{Name: "lost"})
	if typ, err := r.StoredType("kept"); typ != kept || err != nil {
		t.Errorf("%v, %v", typ, err)
	}
	for _, name := range []string{"lost", "other"} {
		if _, err := r.StoredType(name); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("type %q: %v", name, err)
		}
	}
}
