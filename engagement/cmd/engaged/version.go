package main

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// version describes the build of the program in one line.
func version(b *debug.BuildInfo) string {
	if b == nil {
		return "engaged, built without a word about its version"
	}
	settings := make(map[string]string)
	for _, s := range b.Settings {
		settings[s.Key] = s.Value
	}
	parts := []string{"engaged " + b.Main.Version}
	if revision := settings["vcs.revision"]; revision != "" {
		if settings["vcs.modified"] == "true" {
			revision += " with changes"
		}
		parts = append(parts, "revision "+revision)
	}
	parts = append(parts, fmt.Sprintf("%s %s/%s", b.GoVersion, settings["GOOS"], settings["GOARCH"]))
	return strings.Join(parts, ", ")
}
