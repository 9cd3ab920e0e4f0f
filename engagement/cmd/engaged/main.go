// Command engaged serves the engagement application: posts with likes, saves and
// comments, on a database file that it makes itself.
//
//	engaged [serve] [flags]   the server and its page
//	engaged load [flags]      many clients on a bad network, and a check of their operations
//	engaged new-era [-db …]   begin a new era after the restore of an older copy
//	engaged version           the version of this program
//
// Run it with -help for the flags.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/load"
	"github.com/optimist-go/optimist/engagement/page"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:])
	if err == errToldFail {
		os.Exit(1)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "engaged:", err)
		os.Exit(1)
	}
}

const usage = `engaged serves posts that people like, save and comment on, and a page to do it.

  engaged [serve] [flags]   the server and its page
  engaged load [flags]      many clients on a bad network, and a check of their operations
  engaged new-era [-db …]   begin a new era after the restore of an older copy
  engaged version           the version of this program
  engaged help [command]    this, and the flags of the command

`

// run carries out one subcommand; without a name it is serve.
func run(ctx context.Context, args []string) error {
	command := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	switch {
	case command == "help" && len(args) == 0:
		command, args = "serve", []string{"-h"}
	case command == "help":
		command, args = args[0], append(args[1:], "-h")
	case command == "serve" && len(args) == 1 && (args[0] == "-version" || args[0] == "--version"):
		command, args = "version", nil
	}
	switch command {
	case "serve":
		return serve(ctx, args)
	case "load":
		return runLoad(ctx, args)
	case "new-era":
		return newEra(ctx, args)
	case "version":
		return tellVersion(args)
	case loadProcess:
		return load.Serve(ctx, os.Stdin, os.Stdout)
	case loadServer:
		return serveLoad(ctx, args)
	}
	return fmt.Errorf("there is no command %q; there are serve, load, new-era and version, see engaged help", command)
}

// newEra begins a new era of the feed: positions of earlier eras are not valid in it, so
// all clients read their posts anew.
func newEra(ctx context.Context, args []string) error {
	m := engaged.New()
	m.Usage = usage
	if err := m.ParseFlags(args); err != nil {
		return err
	}
	era, err := m.NewEra(ctx)
	if err != nil {
		return err
	}
	fmt.Println("the database is in era", era)
	return nil
}

func tellVersion(args []string) error {
	switch {
	case len(args) > 0 && args[0] == "-h":
		fmt.Fprint(os.Stderr, usage)
		return flag.ErrHelp
	case len(args) > 0:
		return fmt.Errorf("unexpected argument %q; see engaged help", args[0])
	}
	build, _ := debug.ReadBuildInfo()
	fmt.Println(version(build))
	return nil
}

func serve(ctx context.Context, args []string) error {
	m := engaged.New()
	m.Usage = usage
	if err := m.ParseFlags(args); err != nil {
		return err
	}
	late, err := page.NewLate()
	if err != nil {
		return err
	}
	m.Page = late
	if err := m.Run(ctx); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "engaged: the server runs at", m.URL()+"; looking at its page")
	build, err := buildPage(ctx, m, late)
	if err == nil && ctx.Err() == nil {
		fmt.Printf("\n  engaged is ready: open %s\n  Ctrl-C ends it; -h lists the flags.\n\n", m.URL())
		stop := squeeze(ctx, build)
		defer stop()
		err = m.Wait(ctx)
	}
	return errors.Join(err, m.Close())
}
