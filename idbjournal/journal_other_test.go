//go:build !js

package idbjournal_test

import (
	"errors"
	"testing"

	"github.com/optimist-go/optimist/idbjournal"
)

func TestNotABrowser(t *testing.T) {
	if _, err := idbjournal.Open(t.Context(), "x"); !errors.Is(err, idbjournal.ErrUnavailable) {
		t.Errorf("Open outside of a browser: %v, want ErrUnavailable", err)
	}
	if _, err := idbjournal.Wait(t.Context(), "x"); !errors.Is(err, idbjournal.ErrUnavailable) {
		t.Errorf("Wait outside of a browser: %v, want ErrUnavailable", err)
	}
}
