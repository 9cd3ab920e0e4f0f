// Command compare measures optimist beside its rivals: the same workloads, the same
// model of a server, one process per library and workload, in turn, several rounds.
// It needs Node and npm, installs the rivals at the versions of the lock file, and
// writes results.json, results.md, results.svg and results.txt (for benchstat).
//
//	go run ./bench/cmd/compare [-quick] [-rounds n] [-only a,b] [-workloads W1,E] [-out dir]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/optimist-go/optimist/bench/internal/report"
	"github.com/optimist-go/optimist/bench/internal/runner"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "small sizes, one round: less than two minutes")
	rounds := flags.Int("rounds", 0, "rounds of the timed workloads (default 3, quick 1)")
	only := flags.String("only", "", "libraries, separated by commas (default: all)")
	workloads := flags.String("workloads", "", "workloads, separated by commas (default: all)")
	out := flags.String("out", "", "directory for the results (default: bench/out)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	plan, err := runner.NewPlan(runner.Options{
		Quick: *quick, Rounds: *rounds, Libraries: split(*only), Workloads: split(*workloads), Out: *out,
	})
	if err != nil {
		return err
	}
	start := time.Now()
	run, err := plan.Run(ctx, func(line string) { fmt.Fprintln(os.Stderr, line) })
	if err != nil {
		return err
	}
	paths, err := report.Write(plan.Out(), run)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "done in %v\n", time.Since(start).Round(time.Second))
	for _, p := range paths {
		fmt.Println(p)
	}
	return nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
