// Package optimisttest is for the tests of programs that use optimist.
//
//   - A [Server] is a small real server in memory: it counts versions, honours
//     idempotency keys, and meets faults, by script or by a seed.
//   - A [Network] is an http.RoundTripper with the same faults, for programs that test
//     their own transport, too: against a handler in memory or a real server.
//   - A [Watcher] reads a manager's events, and lists them when they are not as
//     expected.
//   - [CheckMutation], [CheckToggle] and [CheckMerge] try a program's own
//     definitions on samples: whether they are pure, idempotent, serialisable,
//     and merged to the same end.
//
// Everything runs in a testing/synctest bubble, where waits take no time, and
// outside of one. TestButton in example_test.go and TestSumsOverHTTP in
// example_http_test.go are whole tests. Only tests should import this package.
package optimisttest

// TB is the part of [testing.TB] that this package needs.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}
