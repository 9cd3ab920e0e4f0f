// Package runner installs the rivals and runs every library's process in turn.
package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/optimist-go/optimist/bench/internal/workload"
)

// Errors of a plan.
var (
	// ErrNoNode: Node or npm is not installed, so no rival can run.
	ErrNoNode = errors.New("the rivals need node and npm on the PATH")
	// ErrUnknown: there is no such library or workload.
	ErrUnknown = errors.New("unknown name")
	// ErrNoModule: the command was not started inside a checkout.
	ErrNoModule = errors.New("the benchmark module was not found; run from a checkout")
)

// modulePath is where this module's source is looked for.
const modulePath = "github.com/optimist-go/optimist/bench"

// library is a program that runs one workload per process.
type library struct {
	name   string
	inGo   bool
	floors bool // not a library, but the least that one must do
}

// libraries in the order of the tables. In a round each starts after the other, and
// every round begins with the next.
var libraries = []library{
	{name: "optimist", inGo: true},
	{name: "tanstack-query"},
	{name: "tanstack-db"},
	{name: "rtk-query"},
	{name: "apollo"},
	{name: "swr"},
	{name: "relay"},
	{name: "replicache"},
	{name: "floor-go", inGo: true, floors: true},
	{name: "floor", floors: true},
}

// floorWorkloads are those in which a library without rollback means anything.
var floorWorkloads = []string{"W1", "W2", "W6"}

// countedWorkloads are repeated twice at most: they count, and time nothing.
var countedWorkloads = []string{"W3", "W7", "E"}

// Options of a run. The zero value is the full form of all workloads.
type Options struct {
	Quick     bool
	Rounds    int // 0: 3, or 1 if quick
	Libraries []string
	Workloads []string
	Out       string // "": the folder out of the module
}

// Plan is a checked set of Options.
type Plan struct {
	form      string
	rounds    int
	libraries []library
	workloads []string
	module    string // directory of the benchmark module
	out       string
}

// NewPlan checks names and finds the module's directory.
func NewPlan(o Options) (*Plan, error) {
	p := &Plan{form: "full", rounds: 3, libraries: libraries, workloads: workload.Names, out: o.Out}
	if o.Quick {
		p.form, p.rounds = "quick", 1
	}
	if o.Rounds < 0 {
		return nil, fmt.Errorf("rounds must be at least 1, not %d", o.Rounds)
	}
	if o.Rounds > 0 {
		p.rounds = o.Rounds
	}
	if len(o.Libraries) > 0 {
		p.libraries = nil
		for _, name := range o.Libraries {
			i := slices.IndexFunc(libraries, func(l library) bool { return l.name == name })
			if i < 0 {
				return nil, fmt.Errorf("%w: library %q", ErrUnknown, name)
			}
			p.libraries = append(p.libraries, libraries[i])
		}
	}
	if len(o.Workloads) > 0 {
		for _, name := range o.Workloads {
			if !slices.Contains(workload.Names, name) {
				return nil, fmt.Errorf("%w: workload %q", ErrUnknown, name)
			}
		}
		p.workloads = o.Workloads
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", modulePath).Output()
	p.module = strings.TrimSpace(string(out))
	if err != nil || p.module == "" {
		return nil, ErrNoModule
	}
	if p.out == "" {
		p.out = filepath.Join(p.module, "out")
	}
	return p, nil
}

// Out is the directory for the results.
func (p *Plan) Out() string { return p.out }

// roundsOf is how often a library runs a workload.
func (p *Plan) roundsOf(l library, workload string) int {
	switch {
	case l.floors && !slices.Contains(floorWorkloads, workload):
		return 0
	case slices.Contains(countedWorkloads, workload):
		return min(p.rounds, 2)
	}
	return p.rounds
}

// needsNode reports whether a rival is among the libraries.
func (p *Plan) needsNode() bool {
	return slices.ContainsFunc(p.libraries, func(l library) bool { return !l.inGo })
}

// installed reports whether the rivals are there, as the lock file wants them.
func installed(dir string) bool {
	have, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err != nil {
		return false
	}
	want, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	return err == nil && !want.ModTime().After(have.ModTime())
}
