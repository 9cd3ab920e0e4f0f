// Command servercheck asks a server over HTTP, in any language, whether it keeps the
// server's half of optimistic updates, and prints a report: see package check.
//
//	go run ./server/cmd/servercheck http://localhost:8080
//	go run ./server/cmd/servercheck -profile mine.json -also http://localhost:8081 http://localhost:8080
//	go run ./server/cmd/servercheck -restart 'docker kill app; docker start app' http://localhost:8080
//
// It exits with 0 when no line failed, with 1 when a line failed, and with 2 when the
// checks could not begin. It leaves people and entities in the server, which must be one
// for tests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/optimist-go/optimist/server/check"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("servercheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: servercheck [flags] http://host")
		flags.PrintDefaults()
	}
	var target check.Target
	profile := flags.String("profile", "engagement", "how requests look: "+strings.Join(check.Profiles(), ", ")+", or a JSON file")
	restart := flags.String("restart", "", "command for the shell that kills the server (kill -9), starts it again, and ends; it has a minute")
	flags.StringVar(&target.Also, "also", "", "URL of another process of the server, on the same database")
	flags.IntVar(&target.Hurry, "hurry", 0, "reads to send at once at the end, to see a refusal of too many")
	flags.DurationVar(&target.Patience, "patience", 10*time.Second, "how long the feed may take to tell of a change")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
	}
	target.URL = flags.Arg(0)
	var err error
	if target.Profile, err = profileOf(*profile); err != nil {
		fmt.Fprintln(stderr, "servercheck:", err)
		return 2
	}
	if *restart != "" {
		target.Restart = func(ctx context.Context) error { return shell(ctx, *restart) }
	}
	report := check.Run(ctx, target)
	fmt.Fprint(stdout, report)
	switch {
	case ctx.Err() != nil:
		return 2
	case report.Failed():
		return 1
	}
	return 0
}

// profileOf reads a built-in profile, or a file.
func profileOf(name string) (check.Profile, error) {
	if slices.Contains(check.Profiles(), name) {
		return check.BuiltIn(name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return check.Profile{}, fmt.Errorf("%w (built in are %s)", err, strings.Join(check.Profiles(), ", "))
	}
	return check.DecodeProfile(data)
}

// shell runs the command. A server that the command starts may outlive it; shell does not
// wait for the server's output.
func shell(ctx context.Context, command string) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("-restart: %w", err)
	}
	return nil
}
