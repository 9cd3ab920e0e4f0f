package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/optimist-go/optimist/bench/internal/result"
)

// limit is how long one process may take; a library that takes longer is reported
// as an error, not waited for.
const limit = 90 * time.Second

// Run has all measurements, and the machine on which they were made.
type Run struct {
	Date      time.Time          `json:"date"`
	Form      string             `json:"form"`
	Rounds    int                `json:"rounds"`
	Machine   string             `json:"machine"`
	Cores     int                `json:"cores"`
	Go        string             `json:"go"`
	Node      string             `json:"node,omitempty"`
	Commit    string             `json:"commit,omitempty"`
	Documents []*result.Document `json:"documents"`
}

// Run installs missing rivals and runs the plan: workload by workload, round by
// round, library by library, so that a slow minute of the machine hits all alike.
func (p *Plan) Run(ctx context.Context, progress func(string)) (*Run, error) {
	if err := p.install(ctx, progress); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "optimist-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	ours := filepath.Join(temp, "ours")
	build := exec.CommandContext(ctx, "go", "build", "-o", ours, "./cmd/ours")
	build.Dir = p.module
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build of the Go runner: %w\n%s", err, out)
	}

	run := &Run{
		Date: time.Now().UTC().Truncate(time.Second), Form: p.form, Rounds: p.rounds,
		Machine: machine(), Cores: runtime.NumCPU(), Go: runtime.Version(), Commit: commit(ctx, p.module),
	}
	for _, w := range p.workloads {
		for round := range p.rounds {
			for i := range p.libraries {
				l := p.libraries[(i+round)%len(p.libraries)]
				if round >= p.roundsOf(l, w) {
					continue
				}
				start := time.Now()
				doc, err := p.process(ctx, ours, l, w)
				if err != nil {
					return nil, err
				}
				doc.Round = round + 1
				run.Documents = append(run.Documents, doc)
				if !l.inGo {
					run.Node = strings.TrimPrefix(doc.Runtime, "node ")
				}
				progress(fmt.Sprintf("%s round %d/%d %-14s %5.1f s", w, round+1, p.rounds, l.name, time.Since(start).Seconds()))
			}
		}
	}
	return run, nil
}

// install gets the rivals by npm, at the versions of the lock file, without running
// their install scripts.
func (p *Plan) install(ctx context.Context, progress func(string)) error {
	if !p.needsNode() {
		return nil
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %w", ErrNoNode, err)
		}
	}
	dir := filepath.Join(p.module, "rivals")
	if installed(dir) {
		return nil
	}
	progress("installing the rivals")
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return nil
}

// process runs one library's process. A failure inside the process is a document
// that says so; an error means that the whole run must end.
func (p *Plan) process(ctx context.Context, ours string, l library, workload string) (*result.Document, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, ours, l.name, workload, p.form)
	if !l.inGo {
		cmd = exec.CommandContext(limited, "node", "--expose-gc", "run.mjs", l.name, workload, p.form)
		cmd.Dir = filepath.Join(p.module, "rivals")
		cmd.Env = append(os.Environ(), "NODE_ENV=production")
	}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		var doc *result.Document
		if doc, err = result.Decode(out.Bytes()); err == nil {
			return doc, nil
		}
	}
	reason := fmt.Sprintf("%v: %s", err, why(stderr.String()))
	if errors.Is(limited.Err(), context.DeadlineExceeded) {
		reason = fmt.Sprintf("not finished after %v", limit)
	}
	return &result.Document{
		Schema: result.Schema, Library: l.name, Title: l.name, Workload: workload, Form: p.form,
		Results: []result.Cell{{Params: map[string]any{}, Unit: "none", Error: reason}},
	}, nil
}

// why finds the line of a process's complaints that names an error, or the last.
func why(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	for _, line := range lines {
		if strings.Contains(line, "Error") {
			return line
		}
	}
	return lines[len(lines)-1]
}

// machine names the processor, if the system tells.
func machine() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return name
	}
	for line := range strings.Lines(string(info)) {
		if label, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(label) == "model name" {
			return strings.TrimSpace(value) + ", " + name
		}
	}
	return name
}

// commit is the checkout's commit, if it is one.
func commit(ctx context.Context, dir string) string {
	git := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD")
	git.Dir = dir
	out, err := git.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
