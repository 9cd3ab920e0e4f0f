//go:build !js

// Command page is the client that runs in the browser. Package page builds it, and
// the server serves it; it is not run by hand.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "page runs in a browser: build it with GOOS=js GOARCH=wasm, or let engaged do it")
	os.Exit(2)
}
