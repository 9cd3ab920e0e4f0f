package optimist

import (
	"reflect"

	"github.com/optimist-go/optimist/internal/deepcopy"
	"github.com/optimist-go/optimist/internal/errorf"
)

// clonerOf returns how arguments of type A are copied: by the program's function, or
// deeply, by reflection.
func clonerOf[A any](own func(A) A) (func(A) A, error) {
	if own != nil {
		return own, nil
	}
	switch flat, err := deepcopy.Check(reflect.TypeFor[A]()); {
	case err != nil:
		return nil, errorf.New("%w: arguments of %w; set Mutation.Clone", ErrInvalid, err)
	case flat:
		return func(a A) A { return a }, nil
	}
	return func(a A) (out A) {
		deepcopy.Into(&out, &a)
		return out
	}, nil
}

// captured copies arguments, so that later changes by the caller reach neither
// the server nor the view.
func captured[A any](clone func(A) A, args A) (out A, err error) {
	if err = contain("clone", func() { out = clone(args) }); err != nil {
		err = errorf.New("%w: %w", ErrInvalid, err)
	}
	return out, err
}

// Only with an instance in this package is TypeFor inlined where programs instantiate our
// generic functions; else methods of reflect come along that nobody calls (4 KB).
var _ = reflect.TypeFor[error]()
