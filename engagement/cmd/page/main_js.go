package main

import (
	"runtime/debug"

	"github.com/optimist-go/optimist/engagement/web"
)

func main() {
	// The browser has one thread: a collection is a frame that comes late. The heap is
	// small, so it may grow instead.
	debug.SetGCPercent(400)
	web.Run()
}
