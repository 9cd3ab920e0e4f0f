// Package mutants checks the tests: it puts one deliberate fault at a time into a copy
// of the engine, or of package list, and runs a test that must fail. A fault that no test
// finds means a missing test.
package mutants
