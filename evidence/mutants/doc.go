// Package mutants checks the tests: it puts one deliberate fault at a time into a copy
// of the engine, and asks a test to find it. A fault that nothing finds is a missing
// test.
package mutants
