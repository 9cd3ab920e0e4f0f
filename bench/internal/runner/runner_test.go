package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/optimist-go/optimist/bench/internal/runner"
)

const rivals = "../../rivals"

func TestPlanRefusesUnknownNames(t *testing.T) {
	for _, o := range []runner.Options{{Libraries: []string{"nobody"}}, {Workloads: []string{"W9"}}} {
		if _, err := runner.NewPlan(o); !errors.Is(err, runner.ErrUnknown) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := runner.NewPlan(runner.Options{Rounds: -1}); err == nil {
		t.Error("negative rounds were accepted")
	}
}

// The rivals are exact versions, from wherever the user's registry is.
func TestLockNamesNoAddressAndManifestNoRange(t *testing.T) {
	lock, err := os.ReadFile(filepath.Join(rivals, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`"resolved"`).Match(lock) {
		t.Error("package-lock.json records where packages were downloaded from")
	}
	manifest, err := os.ReadFile(filepath.Join(rivals, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`"[\^~*][^"]*"`).Find(manifest); m != nil {
		t.Errorf("package.json has the range %s", m)
	}
}

// The quick form, of the Go libraries always and of the rivals if they are there.
func TestQuickRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	o := runner.Options{Quick: true}
	if _, err := os.Stat(filepath.Join(rivals, "node_modules")); err != nil {
		o.Libraries = []string{"optimist", "floor-go"}
	}
	plan, err := runner.NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	run, err := plan.Run(context.Background(), func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range run.Documents {
		if len(d.Results) == 0 {
			t.Errorf("%s %s: no results", d.Library, d.Workload)
		}
		for _, c := range d.Results {
			if c.Error != "" {
				t.Errorf("%s %s %s: %s", d.Library, d.Workload, c.Key(), c.Error)
			}
		}
	}
}
