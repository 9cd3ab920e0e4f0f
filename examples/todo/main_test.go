package main

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

func Example() {
	run(context.Background(), strings.NewReader("add milk\nadd bread\nup 2\ndone 1\nopen\n"), os.Stdout)
	// Output:
	// add TEXT | done N | up N | open | all
	// 1 [ .] milk
	// 1 of 1 left
	// 1 [ .] milk
	// 2 [ .] bread
	// 2 of 2 left
	// 1 [ .] bread
	// 2 [ .] milk
	// 2 of 2 left
	// 1 [x.] bread
	// 2 [ .] milk
	// 1 of 2 left
	// 1 [ .] milk
	// 1 of 2 left
}

func TestAnotherKeyFitsBetweenAnyTwo(t *testing.T) {
	keys := []string{""}
	for range 500 {
		i := rand.IntN(len(keys))
		hi := ""
		if i+1 < len(keys) {
			hi = keys[i+1]
		}
		key := between(keys[i], hi)
		if key <= keys[i] || hi != "" && key >= hi {
			t.Fatalf("%q is not between %q and %q", key, keys[i], hi)
		}
		keys = slices.Insert(keys, i+1, key)
	}
}
