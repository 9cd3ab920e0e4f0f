// Package optimisttest is for the tests of programs that use optimist.
//
//   - A Server is a small real server in memory: it keeps versions, honours
//     idempotency keys, and meets faults, by script or by a seed.
//   - A Watcher reads a manager's events, and says what it saw when they are not
//     those expected.
//   - CheckMutation, CheckToggle and CheckMerge try a program's own definitions on
//     samples: pure, idempotent, serialisable, and merged to the same end.
//
// Everything runs in a testing/synctest bubble, where waits take no time, and
// outside of one: TestButton in example_test.go is a whole test. Nothing that a program ships should import this package.
package optimisttest

// TB is the part of testing.TB that is needed here.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}
