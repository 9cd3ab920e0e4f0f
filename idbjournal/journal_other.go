//go:build !js

package idbjournal

import (
	"context"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/internal/errorf"
)

// A Journal is an optimist.Journal in the browser.
type Journal struct{ optimist.Journal }

// Open opens the journal of that name and becomes its owner. This program does not
// run in a browser: it fails with ErrUnavailable.
func Open(_ context.Context, name string) (*Journal, error) {
	return nil, errorf.New("%w: %q needs a browser (GOOS=js); see package filejournal", ErrUnavailable, name)
}
