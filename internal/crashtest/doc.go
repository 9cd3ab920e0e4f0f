// Package crashtest kills programs with kill -9 at random instants, and looks whether
// the next life of each has all that was promised. It has tests only.
//
// The program under test is this test binary, run again: a manager with a journal in
// a file and operations of every shape. The parent is its server, knows every
// report of the program, and is the judge. The ordinary run kills 40 times; the
// variable CRASHTEST_ROUNDS says another number, CRASHTEST_SEED repeats a run as far
// as the machine's timing lets it.
package crashtest
