// Command ours runs one workload on one library of this process and prints one
// result document, as the rivals' runner does.
//
//	ours <optimist|floor-go> <workload> <full|quick>
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/optimist-go/optimist/bench/internal/client"
	"github.com/optimist-go/optimist/bench/internal/result"
	"github.com/optimist-go/optimist/bench/internal/workload"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ours:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: ours <optimist|floor-go> <workload> <full|quick>")
	}
	i := slices.IndexFunc(client.Libraries, func(l client.Library) bool { return l.Name == args[0] })
	if i < 0 {
		return fmt.Errorf("unknown library %q", args[0])
	}
	lib := client.Libraries[i]
	cells, err := workload.Run(lib, args[1], args[2])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result.Document{
		Schema: result.Schema, Library: lib.Name, Title: lib.Title, Doc: lib.Doc,
		Runtime: runtime.Version(), Workload: args[1], Form: args[2], Results: cells,
	})
}
