// Package e2e tests the whole application as people meet it: the real server, its
// database and its page, in a real browser. It has tests only.
//
// They need Chromium, best in its form without windows, which needs half the time (on Debian:
// apt-get install --no-install-recommends chromium-headless-shell), and are skipped, loudly,
// where there is none. The screenshots that they take are kept with
//
//	go test ./e2e -artifacts -outputdir DIR
package e2e
