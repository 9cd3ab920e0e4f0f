//go:build !js

package idbjournal

import (
	"context"

	"github.com/optimist-go/optimist/internal/errorf"
	"github.com/optimist-go/optimist/journal"
)

// Journal is a [journal.Journal] in the browser.
type Journal struct{ journal.Journal }

// Open opens the journal of that name and becomes its owner. Outside a browser it
// fails with [ErrUnavailable].
func Open(_ context.Context, name string) (*Journal, error) {
	return nil, errorf.New("%w: %q needs a browser (GOOS=js); see package filejournal", ErrUnavailable, name)
}

// Wait is [Open], but waits for the owner. Outside a browser it fails with
// [ErrUnavailable].
func Wait(ctx context.Context, name string) (*Journal, error) { return Open(ctx, name) }

// Delete deletes the journal. Outside a browser it fails with [ErrUnavailable].
func (j *Journal) Delete(context.Context) error { return ErrUnavailable }
