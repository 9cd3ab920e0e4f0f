package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist/bench/internal/report"
	"github.com/optimist-go/optimist/bench/internal/result"
	"github.com/optimist-go/optimist/bench/internal/runner"
)

func p(v float64) *float64 { return &v }

// document is one cell of one library in one round.
func document(library, workload string, round int, c result.Cell) *result.Document {
	return &result.Document{
		Schema: result.Schema, Library: library, Title: strings.ToUpper(library), Doc: "page", Workload: workload,
		Round: round, Results: []result.Cell{c},
	}
}

func sample() *runner.Run {
	tap := func(v float64, right bool) result.Cell {
		return result.Cell{Params: map[string]any{"pending": 1.0}, Unit: "us", N: 9, P50: p(v), P99: p(10 * v), Right: right, Got: "nonsense"}
	}
	story := result.Cell{Params: map[string]any{"row": "E1"}, Unit: "story", Got: "2 → 1", Want: "1 → 1"}
	return &runner.Run{
		Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Form: "full", Rounds: 3, Machine: "a machine", Cores: 2, Go: "go1",
		Documents: []*result.Document{
			document("optimist", "W1", 1, tap(2, true)), document("rival<&>", "W1", 1, tap(100, true)),
			document("optimist", "W1", 2, tap(4, true)), document("rival<&>", "W1", 2, tap(300, false)),
			document("optimist", "W1", 3, tap(3, true)), document("rival<&>", "W1", 3, tap(1500, true)),
			document("rival<&>", "E", 1, story),
			document("broken", "W4", 1, result.Cell{Unit: "none", Error: "not finished after 90s"}),
		},
	}
}

func TestMarkdownShowsMediansRangesRatiosAndWrongs(t *testing.T) {
	var b bytes.Buffer
	if err := report.Markdown(&b, sample()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| OPTIMIST | 3.00 [2.00 to 4.00] p99 30.0 |",
		"300 [100 to 1,500] p99 3,000 (100×) ✗ nonsense",
		"✗ 2 → 1", "E1 1 → 1", "- W4/broken: not finished after 90s",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, b.String())
		}
	}
}

func TestSVGIsWellFormedAndMarksWrong(t *testing.T) {
	var b bytes.Buffer
	if err := report.SVG(&b, sample()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `class="bar wrong"`) || !strings.Contains(b.String(), "prefers-color-scheme: dark") {
		t.Error("no mark of a wrong view, or no dark form")
	}
	d := xml.NewDecoder(&b)
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBenchstatLines(t *testing.T) {
	var b bytes.Buffer
	if err := report.Benchstat(&b, sample()); err != nil {
		t.Fatal(err)
	}
	if want := "BenchmarkW1/pending=1/lib=optimist 9 2000 ns/op\n"; !strings.Contains(b.String(), want) {
		t.Errorf("%q is missing in:\n%s", want, b.String())
	}
}

func TestWriteMakesEveryFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	paths, err := report.Write(dir, sample())
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) != 4 {
		t.Errorf("paths: %v", paths)
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
}
