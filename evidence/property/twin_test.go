package property

import (
	"testing"

	"github.com/optimist-go/optimist/internal/engine/enginetest"
	"pgregory.net/rapid"
)

// TestEngineAgreesWithItsTwin: the engine and its slow twin decide the same.
func TestEngineAgreesWithItsTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		input := rapid.SliceOfN(rapid.Byte(), 30, 240).Draw(rt, "input")
		if err := enginetest.Try(input, nil); err != nil {
			enginetest.Try(input, func(line string) { rt.Log(line) })
			rt.Fatal(err)
		}
	})
}
